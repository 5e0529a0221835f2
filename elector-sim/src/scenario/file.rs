use std::{path::Path, time::Duration};

use elector_core::millis;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Action, ChangeMembers, Churn, Compose, Cut, Drift, Graph, MessageFault, Repeat, Rolling,
    ScenarioError, Selector, Stall, Step, Suspicion, Transfer, limits,
};
use crate::{Disk, Network};

/// A list of faults and when they occur.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The name of the scenario.
    pub name: String,
    /// What happens to the cluster, as text.
    pub summary: String,
    /// What a user of the cluster sees, as text.
    pub sees: String,
    /// The smallest number of nodes for which the scenario makes sense.
    pub min_nodes: u64,
    /// The number of nodes that do not vote at the beginning, in addition to the nodes of the
    /// cluster. A change of the members can make them voters.
    pub spares: u64,
    /// Whether the scenario begins at boot. Otherwise it begins once the nodes agree on a leader.
    pub from_boot: bool,
    /// Whether nodes get a proof of death when a peer's process ends.
    pub hints: bool,
    /// The steps of the scenario, in order.
    pub steps: Vec<Step>,
    /// The time from the last step until all faults end.
    pub rest: Duration,
    /// The time from the end of all faults within which all nodes must agree on a leader. 20 ms for
    /// each node are added to it.
    pub converge: Duration,
}

impl Scenario {
    /// Creates a scenario of these steps. Everything else has the defaults of a scenario file.
    #[must_use]
    pub fn of(name: impl Into<String>, summary: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            name: name.into(),
            summary: summary.into(),
            sees: String::new(),
            min_nodes: one(),
            spares: 0,
            from_boot: false,
            hints: false,
            steps,
            rest: default_rest(),
            converge: default_converge(),
        }
    }

    /// Returns the cluster sizes in `nodes` for which the scenario makes sense.
    pub(crate) fn sizes(&self, nodes: &[u64]) -> impl Iterator<Item = u64> {
        nodes
            .iter()
            .copied()
            .filter(|&nodes| nodes >= self.min_nodes)
    }

    /// Returns `true` if a step of the scenario changes the members, or if the scenario has spares
    /// (nodes that do not vote at the beginning). An algorithm whose members are fixed cannot run
    /// such a scenario.
    #[must_use]
    pub fn changes_members(&self) -> bool {
        let changes = |step: &Step| matches!(step.action, Action::Members(_));
        self.spares > 0 || self.steps.iter().any(changes)
    }

    /// Reads a scenario from a file.
    ///
    /// # Errors
    /// Returns an error with line and reason if the file cannot be read or is not a scenario.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let shown = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &shown),
            Err(error) => Err(ScenarioError::Read { path: shown, error }),
        }
    }

    /// Parses a scenario. Error messages name `path` as the file.
    ///
    /// # Errors
    /// Returns an error with line and reason if the text is not a scenario.
    pub fn parse(text: &str, path: &str) -> Result<Self, ScenarioError> {
        let file: RawScenario = toml::from_str(text).map_err(|error| ScenarioError::Parse {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let place = Source { text, path };
        let steps = file.step.into_iter().enumerate();
        let steps = steps.map(|(number, step)| place.step(number + 1, step));
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if file.name.is_empty() || !file.name.chars().all(plain) {
            let reason = "name must be one word of letters, digits, - and _: it goes into commands \
                          and file names";
            return Err(place.value(0, reason.to_owned()));
        }
        let spans = [("rest_ms", file.rest), ("converge_ms", file.converge)];
        let problem = limits::of_spans(&spans);
        if let Some(reason) = problem.or_else(|| limits::of_spares(file.spares)) {
            return Err(place.value(0, reason));
        }
        Ok(Self {
            name: file.name,
            summary: file.summary,
            sees: file.sees,
            min_nodes: file.min_nodes,
            spares: file.spares,
            from_boot: file.from_boot,
            hints: file.hints,
            steps,
            rest: file.rest,
            converge: file.converge,
        })
    }
}

/// A scenario file before validation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    name: String,
    summary: String,
    #[serde(default)]
    sees: String,
    #[serde(default = "one")]
    min_nodes: u64,
    #[serde(default)]
    spares: u64,
    #[serde(default)]
    from_boot: bool,
    #[serde(default)]
    hints: bool,
    #[serde(default)]
    step: Vec<Spanned<RawStep>>,
    #[serde(default = "default_rest", rename = "rest_ms", with = "millis")]
    rest: Duration,
    #[serde(default = "default_converge", rename = "converge_ms", with = "millis")]
    converge: Duration,
}

fn one() -> u64 {
    1
}

fn default_rest() -> Duration {
    Duration::from_secs(2)
}

fn default_converge() -> Duration {
    Duration::from_secs(10)
}

/// Declares [`RawStep`] from the list of actions. Each entry of the list has the key of the action
/// in a file, the type of its value, and the function that makes an action or an `Option` of an
/// action from the value.
macro_rules! raw_step {
    ($($key:ident: $value:ty => $action:expr,)*) => {
        /// A step before validation. The keys of all actions are fields of this one struct, so that
        /// a wrong key is reported with its own line.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawStep {
            #[serde(default, rename = "after_ms", with = "millis")]
            after: Duration,
            times: Option<Repeat>,
            #[serde(default, rename = "every_ms", with = "millis")]
            every: Duration,
            $($key: Option<$value>,)*
        }

        const ACTIONS: &[&str] = &[$(stringify!($key)),*];

        impl RawStep {
            fn actions(self) -> Vec<Action> {
                let mut actions = Vec::new();
                $(actions.extend(self.$key.and_then(|value| Option::from(($action)(value))));)*
                actions
            }
        }
    };
}

raw_step! {
    crash: Selector => Action::Crash,
    restart: Selector => Action::Restart,
    pause: Selector => Action::Pause,
    resume: Selector => Action::Resume,
    wipe: Selector => Action::Wipe,
    split: Selector => Action::Split,
    cut: Cut => Action::Cut,
    star: Selector => Action::Star,
    line: Selector => Action::Line,
    graph: Graph => Action::Graph,
    heal: bool => |heal: bool| heal.then_some(Action::Heal),
    network: Network => Action::Network,
    messages: MessageFault => Action::Messages,
    disk: Disk => Action::Disk,
    stall: Stall => Action::Stall,
    drift: Drift => Action::Drift,
    hints: bool => Action::Hints,
    suspect: Suspicion => Action::Suspect,
    prove: Suspicion => Action::Prove,
    campaign: Selector => Action::Campaign,
    resign: Selector => Action::Resign,
    transfer: Transfer => Action::Transfer,
    members: ChangeMembers => Action::Members,
    rolling_restart: Rolling => Action::RollingRestart,
    churn: Churn => Action::Churn,
    compose: Compose => Action::Compose,
}

/// The text that is parsed and the name of its file. Errors name the file, and the line in the
/// text.
struct Source<'a> {
    text: &'a str,
    path: &'a str,
}

impl Source<'_> {
    fn step(&self, number: usize, written: Spanned<RawStep>) -> Result<Step, ScenarioError> {
        let start = written.span().start;
        let written = written.into_inner();
        let (after, every) = (written.after, written.every);
        let times = written.times.unwrap_or(Repeat::Times(1));
        let mut actions = written.actions();
        let count = actions.len();
        let (Some(action), 1) = (actions.pop(), count) else {
            return Err(ScenarioError::Actions {
                path: self.path.to_owned(),
                line: self.line(start),
                step: number,
                actions: count,
                choices: ACTIONS.join(", "),
            });
        };
        let step = Step {
            after,
            times,
            every,
            action,
        };
        match limits::of_step(&step) {
            Some(reason) => Err(self.value(start, format!("step {number}: {reason}"))),
            None => Ok(step),
        }
    }

    fn value(&self, at: usize, reason: String) -> ScenarioError {
        ScenarioError::Value {
            path: self.path.to_owned(),
            line: self.line(at),
            reason,
        }
    }

    fn line(&self, at: usize) -> usize {
        self.text
            .get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1)
    }
}
