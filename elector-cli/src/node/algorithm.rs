//! Which algorithm a node runs, and under which configuration.

use std::{fmt::Display, time::Duration};

use elector_core::{Comparable, Configuration as _, ElectionAlgorithm, Membership, Timing};
use elector_net::Detection;
use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

use super::{
    error::ServeError,
    settings::{DetectionSettings, Profile, Settings},
};

/// The algorithm and the variant in a name such as `raft` or `raft/plain`.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('/') {
        Some((algorithm, variant)) => (algorithm, Some(variant)),
        None => (name, None),
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

/// The configuration of the variant that the settings name, with the profile's durations, and over
/// both what the file says.
///
/// # Errors
/// If there is no such variant, or if the file has what is no option of the algorithm.
pub(super) fn configured<A: Comparable>(settings: &Settings) -> Result<A::Config, ServeError> {
    let name = settings.algorithm.as_deref();
    let mut config = chosen::<A>(name.and_then(|name| split(name).1))?;
    *config.timing_mut() = match settings.profile.unwrap_or_default() {
        Profile::Default => Timing::patient(),
        Profile::Lan => Timing::lan(),
    };
    if !settings.options.is_empty() {
        config = overlaid::<A, _>(&config, &settings.options)?;
    }
    if !settings.timing.is_empty() {
        *config.timing_mut() = overlaid::<A, _>(config.timing(), &settings.timing)?;
    }
    Ok(config)
}

/// `stock`, with what this table of a file says instead.
fn overlaid<A: Comparable, T: Serialize + DeserializeOwned>(
    stock: &T,
    file: &Table,
) -> Result<T, ServeError> {
    let mut table = Table::try_from(stock).map_err(|error| wrong::<A>(&error))?;
    table.extend(file.clone());
    table.try_into().map_err(|error| wrong::<A>(&error))
}

fn wrong<A: Comparable>(error: &dyn Display) -> ServeError {
    ServeError::Options {
        algorithm: A::NAME,
        told: error.to_string(),
    }
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
    use elector_paxos::Paxos;
    use elector_raft::Raft;

    use super::*;

    fn shown<A: Comparable>(text: &str) -> Result<String, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        let config = configured::<A>(&settings).map_err(|error| error.to_string())?;
        Ok(format!("{config:?}"))
    }

    // What a file says must reach the algorithm, and nothing else must change with it.
    #[test]
    fn options_and_durations_reach_the_algorithm() {
        let stock = shown::<Raft>("").unwrap();
        assert!(stock.contains("pre_vote: true") && stock.contains("heartbeat: 100ms"));
        let plain = shown::<Raft>("algorithm = 'raft/plain'\n[timing]\nlease_ms = 99.5").unwrap();
        assert!(plain.contains("pre_vote: false") && plain.contains("lease: 99.5ms"));
        assert!(plain.contains("heartbeat: 100ms"), "{plain}");
        let lan = shown::<Paxos>("profile = 'lan'\n[options]\nthrifty = true").unwrap();
        assert!(lan.contains("thrifty: true"), "{lan}");
        assert!(lan.contains("heartbeat: 10ms"), "{lan}");
    }

    // Whoever mistypes an option must hear of it before a node runs without it.
    #[test]
    fn what_no_algorithm_knows_is_refused() {
        for (text, told) in [
            ("algorithm = 'raft/plan'", "plain"),
            ("options = { prevote = true }", "prevote"),
            ("timing = { beat_ms = 1 }", "beat_ms"),
            ("timing = { lease_ms = -1 }", "milliseconds"),
        ] {
            let error = shown::<Raft>(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
