//! Which algorithm a node runs, and under which configuration.

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{Comparable, ElectionAlgorithm, Membership, Settings as _, Timing};
use elector_net::Detection;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use toml::{Table, Value};

use super::{
    error::ServeError,
    settings::{DetectionSettings, Profile, Settings},
};

/// What is done with whichever algorithm it is.
pub(crate) trait WithAlgorithm {
    type Output;

    fn with<A: ElectionAlgorithm>(self, config: A::Config) -> Result<Self::Output, ServeError>;
}

/// Finds the algorithm of this name, as `raft` or `raft/plain`, and goes on with it.
///
/// # Errors
/// If there is none; if the settings do not fit it; those of `then`.
pub(crate) fn with_named<W: WithAlgorithm>(
    settings: &Settings,
    then: W,
) -> Result<W::Output, ServeError> {
    let name = settings.algorithm.as_deref().unwrap_or("raft");
    let (algorithm, variant) = match name.split_once('/') {
        Some((algorithm, variant)) => (algorithm, Some(variant)),
        None => (name, None),
    };
    match algorithm {
        Raft::NAME => then.with::<Raft>(configured::<Raft>(variant, settings)?),
        Paxos::NAME => then.with::<Paxos>(configured::<Paxos>(variant, settings)?),
        Bully::NAME => then.with::<Bully>(configured::<Bully>(variant, settings)?),
        Ring::NAME => then.with::<Ring>(configured::<Ring>(variant, settings)?),
        _ => Err(ServeError::UnknownAlgorithm(name.to_owned())),
    }
}

/// The configuration of the variant of this name, or else of the first one.
fn chosen<A: Comparable>(name: Option<&str>) -> Result<A::Config, ServeError> {
    let variants = A::variants();
    let known: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
    let known = known.join(", ");
    let mut variants = variants.into_iter();
    let found = match name {
        None => variants.next(),
        Some(name) => variants.find(|variant| variant.name == name),
    };
    found
        .map(|variant| variant.config)
        .ok_or_else(|| ServeError::UnknownVariant {
            algorithm: A::NAME.to_owned(),
            asked: name.unwrap_or_default().to_owned(),
            known,
        })
}

/// The variant's configuration with the profile's durations, and over both what the file says.
fn configured<A: Comparable>(
    variant: Option<&str>,
    settings: &Settings,
) -> Result<A::Config, ServeError> {
    let mut config = chosen::<A>(variant)?;
    *config.timing_mut() = match settings.profile.unwrap_or_default() {
        Profile::Default => Timing::patient(),
        Profile::Lan => Timing::lan(),
    };
    if settings.timing.is_empty() && settings.options.is_empty() {
        return Ok(config);
    }
    let wrong = |error: &dyn std::fmt::Display| ServeError::Options {
        algorithm: A::NAME,
        told: error.to_string(),
    };
    let mut table = Table::try_from(&config).map_err(|error| wrong(&error))?;
    table.extend(settings.options.clone());
    let timing = table.entry("timing").or_insert(Value::Table(Table::new()));
    if let Value::Table(timing) = timing {
        timing.extend(settings.timing.clone());
    }
    table.try_into().map_err(|error| wrong(&error))
}

/// When silence counts, as the profile and the file say.
pub(crate) fn detection(settings: &Settings, timing: &Timing) -> Result<Detection, ServeError> {
    let profile = match settings.profile.unwrap_or_default() {
        Profile::Default => Detection::of(timing),
        Profile::Lan => Detection::lan(),
    };
    let DetectionSettings {
        ping_ms,
        floor_ms,
        ceiling_ms,
    } = settings.detection;
    Ok(Detection {
        ping: millis("ping_ms", ping_ms)?.unwrap_or(profile.ping),
        floor: millis("floor_ms", floor_ms)?.unwrap_or(profile.floor),
        ceiling: millis("ceiling_ms", ceiling_ms)?.unwrap_or(profile.ceiling),
    })
}

fn millis(name: &'static str, value: Option<f64>) -> Result<Option<Duration>, ServeError> {
    let duration = value.map(|millis| Duration::try_from_secs_f64(millis / 1e3));
    let duration = duration.transpose();
    duration.map_err(|_| ServeError::Duration(name))
}

/// Checks a configuration against its own rules.
pub(crate) fn validated<A: ElectionAlgorithm>(
    config: &A::Config,
    members: &Membership,
) -> Result<(), ServeError> {
    config.validate(members).map_err(ServeError::Timing)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown;

    impl WithAlgorithm for Shown {
        type Output = String;

        fn with<A: ElectionAlgorithm>(self, config: A::Config) -> Result<String, ServeError> {
            Ok(format!("{} {config:?}", A::NAME))
        }
    }

    fn shown(text: &str) -> Result<String, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        with_named(&settings, Shown).map_err(|error| error.to_string())
    }

    // What a file says must reach the algorithm, and nothing else must change with it.
    #[test]
    fn options_and_durations_reach_the_algorithm() {
        let stock = shown("").unwrap();
        assert!(stock.starts_with("raft "), "{stock}");
        assert!(stock.contains("pre_vote: true") && stock.contains("heartbeat: 100ms"));
        let plain = shown("algorithm = 'raft/plain'\n[timing]\nlease_ms = 99.5").unwrap();
        assert!(plain.contains("pre_vote: false") && plain.contains("lease: 99.5ms"));
        assert!(plain.contains("heartbeat: 100ms"), "{plain}");
        let lan = shown("algorithm = 'paxos'\nprofile = 'lan'\n[options]\nthrifty = true");
        let lan = lan.unwrap();
        assert!(
            lan.starts_with("paxos ") && lan.contains("thrifty: true"),
            "{lan}"
        );
        assert!(lan.contains("heartbeat: 10ms"), "{lan}");
    }

    // Whoever mistypes an option must hear of it before a node runs without it.
    #[test]
    fn what_no_algorithm_knows_is_refused() {
        for (text, told) in [
            ("algorithm = 'rfat'", "raft, paxos, bully"),
            ("algorithm = 'raft/plan'", "plain"),
            ("options = { prevote = true }", "prevote"),
            ("timing = { beat_ms = 1 }", "beat_ms"),
            ("timing = { lease_ms = -1 }", "milliseconds"),
        ] {
            let error = shown(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
