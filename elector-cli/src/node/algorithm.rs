//! The algorithm that a node runs, and its configuration.

use std::{fmt::Display, time::Duration};

use elector_core::{Comparable, Configuration as _, Timing};
use elector_net::Detection;
use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

use super::{
    error::ServeError,
    settings::{DetectionSettings, Profile, Settings},
};

/// Splits a name such as `raft` or `raft/plain` into algorithm and variant.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('/') {
        Some((algorithm, variant)) => (algorithm, Some(variant)),
        None => (name, None),
    }
}

/// Returns the configuration of the variant with this name. Without a name, it is the configuration
/// of the first variant of the algorithm.
fn variant_config<A: Comparable>(name: Option<&str>) -> Result<A::Config, ServeError> {
    let variants = A::variants();
    let known = variants.iter().map(|variant| variant.name).collect();
    let mut variants = variants.into_iter();
    let found = match name {
        None => variants.next(),
        Some(name) => variants.find(|variant| variant.name == name),
    };
    found
        .map(|variant| variant.config)
        .ok_or_else(|| ServeError::UnknownVariant {
            algorithm: A::NAME,
            name: name.unwrap_or_default().to_owned(),
            known,
        })
}

/// Returns the configuration of the variant that the settings name, with the durations of the
/// profile, which is a set of defaults. The tables `options` and `timing` of the settings file
/// override the values of the variant and of the profile.
///
/// # Errors
/// If there is no such variant, or if the file has an option that the algorithm does not have.
pub(super) fn configured<A: Comparable>(settings: &Settings) -> Result<A::Config, ServeError> {
    let name = settings.algorithm.as_deref();
    let mut config = variant_config::<A>(name.and_then(|name| split(name).1))?;
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

/// Returns `base`, with the values of `file` in place of its own. `file` is a table of the settings
/// file.
fn overlaid<A: Comparable, T: Serialize + DeserializeOwned>(
    base: &T,
    file: &Table,
) -> Result<T, ServeError> {
    let mut table = Table::try_from(base).map_err(|error| invalid_options::<A>(&error))?;
    table.extend(file.clone());
    table
        .try_into()
        .map_err(|error| invalid_options::<A>(&error))
}

fn invalid_options<A: Comparable>(error: &dyn Display) -> ServeError {
    ServeError::Options {
        algorithm: A::NAME,
        message: error.to_string(),
    }
}

/// Returns the failure detection of the profile (a set of default durations), with the durations
/// that the settings file overrides. A duration that is negative, too long, or not a number is an
/// error.
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

#[cfg(test)]
mod tests {
    use elector_paxos::Paxos;
    use elector_raft::Raft;

    use super::*;

    fn configured_text<A: Comparable>(text: &str) -> Result<String, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        let config = configured::<A>(&settings).map_err(|error| error.to_string())?;
        Ok(format!("{config:?}"))
    }

    // The values of a settings file must reach the algorithm, and no other value may change.
    #[test]
    fn options_and_durations_reach_the_algorithm() {
        let default = configured_text::<Raft>("").unwrap();
        assert!(default.contains("pre_vote: true") && default.contains("heartbeat: 100ms"));
        let plain =
            configured_text::<Raft>("algorithm = 'raft/plain'\n[timing]\nlease_ms = 99.5").unwrap();
        assert!(plain.contains("pre_vote: false") && plain.contains("lease: 99.5ms"));
        assert!(plain.contains("heartbeat: 100ms"), "{plain}");
        let lan = configured_text::<Paxos>("profile = 'lan'\n[options]\nthrifty = true").unwrap();
        assert!(lan.contains("thrifty: true"), "{lan}");
        assert!(lan.contains("heartbeat: 10ms"), "{lan}");
    }

    // A misspelled option in the settings file must be an error: otherwise the node would run
    // without the option that the operator meant.
    #[test]
    fn an_unknown_option_is_an_error() {
        for (text, hint) in [
            ("algorithm = 'raft/plan'", "plain"),
            ("options = { prevote = true }", "prevote"),
            ("timing = { beat_ms = 1 }", "beat_ms"),
            ("timing = { lease_ms = -1 }", "milliseconds"),
        ] {
            let error = configured_text::<Raft>(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
