use super::*;

// Seconds where milliseconds have five digits.
#[test]
fn times_have_a_fitting_unit() {
    assert_eq!(ms(0.04), "0.0 ms");
    assert_eq!(ms(9.96), "10 ms");
    assert_eq!(ms(2_010.4), "2010 ms");
    assert_eq!(ms(10_500.0), "10.5 s");
}
