use super::{error::format_date, files::check_secret};
use std::time::{Duration, SystemTime};

// The rule must allow what Kubernetes mounts and what `elector certs dev` writes, and must reject
// every file that other users can read. Tests with real files would need root to give files these
// owners.
#[test]
fn only_the_owner_or_a_group_chosen_by_root_may_read_a_key() {
    for (mode, owner, verdict) in [
        (0o600, 1000, Ok(())),
        (0o400, 1000, Ok(())),
        (0o100_600, 1000, Ok(())),
        (0o640, 1000, Err(0o600)),
        (0o604, 1000, Err(0o600)),
        (0o440, 1000, Err(0o400)),
        (0o640, 0, Ok(())),
        (0o440, 0, Ok(())),
        (0o660, 0, Err(0o640)),
        (0o644, 0, Err(0o640)),
        (0o777, 0, Err(0o740)),
    ] {
        assert_eq!(check_secret(mode, owner), verdict, "{mode:o} of {owner}");
    }
}

// Operators compare the dates in messages about certificates with a calendar. A time that is far in
// the future must not cause a panic.
#[test]
fn dates_match_the_calendar() {
    let at = |seconds| format_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01 00:00 UTC");
    assert_eq!(at(951_825_599), "2000-02-29 11:59 UTC");
    assert_eq!(at(253_402_300_799), "9999-12-31 23:59 UTC");
    assert_eq!(at(1 << 60), format!("{} s after 1970", 1_u64 << 60));
}
