use super::*;

// Five digits in a row cannot be read in a table.
#[test]
fn thousands_are_apart() {
    assert_eq!(count(7), "7");
    assert_eq!(count(1_000), "1,000");
    assert_eq!(count(13_200_345), "13,200,345");
}

// A decimal where it says something, none where it does not.
#[test]
fn milliseconds_have_a_decimal_below_ten() {
    assert_eq!(ms(2.04), "2.0");
    assert_eq!(ms(9.97), "10");
    assert_eq!(ms(212.4), "212");
}
