use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use elector_core::{
    Configuration as _, ElectionAlgorithm, Guarantee, GuaranteeKind, Membership, NodeId,
    actor::Peer,
};
use elector_net::{
    ADDRESS_FILE, Detection, FileStorage, Identity, RecordError, Tcp, Tls,
    http::{AddressScope, Token},
};

use super::{
    algorithm::detection,
    error::ServeError,
    run_settings::RunSettings,
    settings::{IdSetting, Settings},
};

/// The default time in which a node must hand over at a shutdown. It is longer than the default
/// grace of `elector run` (10 s from SIGTERM to SIGKILL), so that the command can use its grace.
const DEFAULT_LEAVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything that a node of the algorithm `A` starts with. All values are checked.
#[derive(Debug)]
pub(crate) struct NodeSetup<A: ElectionAlgorithm> {
    pub(crate) name: String,
    pub(crate) members: Membership,
    /// The nodes whose addresses are in the settings.
    pub(crate) peers: Vec<Peer>,
    /// Whether this node joins a running cluster (`--join`).
    pub(crate) joins: bool,
    pub(crate) advertise: Option<String>,
    pub(crate) config: A::Config,
    pub(crate) detection: Detection,
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) plaintext_beyond_loopback: bool,
    pub(crate) http: Option<String>,
    pub(crate) http_scope: AddressScope,
    pub(crate) token: Option<Token>,
    pub(crate) leave_timeout: Duration,
    pub(crate) has_heir: bool,
    pub(crate) trust_refused: bool,
    pub(crate) run: RunSettings,
}

impl<A: ElectionAlgorithm> NodeSetup<A> {
    /// Checks the settings, as far as this is possible before any file is opened for writing.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub(crate) fn new(settings: Settings, mut config: A::Config) -> Result<Self, ServeError> {
        let never_leads = settings.never_lead.unwrap_or(false);
        if never_leads && !config.set_never_leads(true) {
            return Err(ServeError::CanLead(A::NAME));
        }
        let joins = settings.join.is_some();
        if joins && !A::CHANGES_MEMBERS {
            return Err(ServeError::CannotJoin(A::NAME));
        }
        let id = required(settings.id, "--id", "ELECTOR_ID", "id")?;
        let me = match id {
            IdSetting::Is(id) => NodeId(id),
            IdSetting::Auto => id_from_host_name()?,
        };
        let data_dir = required(
            settings.data_dir.clone(),
            "--data-dir",
            "ELECTOR_DATA_DIR",
            "data_dir",
        )?;
        let peers = peers::<A>(&settings, &data_dir)?;
        let me_too = (joins || settings.peers.is_none()).then_some(me);
        let ids = peers
            .iter()
            .map(|peer| peer.id)
            .filter(|&id| Some(id) != me_too);
        let members = Membership::new(me, ids.chain(me_too));
        let members = members.map_err(ServeError::Peers)?;
        config.validate(&members).map_err(ServeError::Timing)?;
        if A::Guarantee::KIND == GuaranteeKind::Quorum && !A::has_lease(&config) {
            return Err(ServeError::NoLease(A::NAME));
        }
        let detection = detection(&settings, config.timing())?;
        if let Some(rule) = detection.broken_rule(&config) {
            return Err(ServeError::Detection(rule));
        }
        let tls = settings.tls_dir.map(|dir| Tls::load(&dir, me));
        Ok(Self {
            name: settings.name.unwrap_or_else(|| "elector".to_owned()),
            peers,
            config,
            detection,
            data_dir,
            joins,
            advertise: settings.advertise,
            listen: settings.listen,
            tls: tls.transpose()?,
            plaintext_beyond_loopback: settings.plaintext_beyond_loopback.unwrap_or(false),
            http: settings.http,
            http_scope: match settings.http_beyond_loopback {
                Some(true) => AddressScope::Any,
                _ => AddressScope::Loopback,
            },
            token: token(settings.token_file)?,
            has_heir: settings.heir.unwrap_or(true),
            trust_refused: settings.trust_refused.unwrap_or(false),
            leave_timeout: settings
                .leave_ms
                .map_or(DEFAULT_LEAVE_TIMEOUT, Duration::from_millis),
            run: settings.run,
            members,
        })
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::of::<A>(self.name.as_str(), self.members.me())
    }

    /// Returns the TCP transport of the node, as the settings configure it.
    pub(super) fn tcp(&self) -> Tcp<A> {
        let mut tcp = Tcp::new(self.name.as_str(), self.peers.clone(), self.config.clone())
            .plaintext_beyond_loopback(self.plaintext_beyond_loopback)
            .detection(self.detection)
            .trust_refused(self.trust_refused);
        tcp = tcp.address_file(self.data_dir.join(ADDRESS_FILE));
        if let Some(address) = &self.listen {
            tcp = tcp.listen(address);
        }
        if let Some(address) = &self.advertise {
            tcp = tcp.advertise(address);
        }
        match &self.tls {
            Some(tls) => tcp.tls(tls.clone()),
            None => tcp,
        }
    }
}

/// Returns the nodes whose addresses are in the settings. If the members of the algorithm can
/// change, and the node has a record, no address is needed: the record and the file of addresses
/// contain the members and the addresses that the node has learned.
fn peers<A: ElectionAlgorithm>(
    settings: &Settings,
    data_dir: &Path,
) -> Result<Vec<Peer>, ServeError> {
    let mut peers = settings.join.clone().unwrap_or_default();
    for peer in settings.peers.iter().flatten() {
        if !peers.iter().any(|known| known.id == peer.id) || settings.join.is_none() {
            peers.push(peer.clone());
        }
    }
    if settings.peers.is_some() || settings.join.is_some() {
        return Ok(peers);
    }
    if !A::CHANGES_MEMBERS {
        return required(None, "--peers", "ELECTOR_PEERS", "peers");
    }
    match FileStorage::inspect(data_dir) {
        Err(RecordError::Missing { .. }) => Err(ServeError::NoPeers {
            folder: data_dir.to_owned(),
        }),
        _ => Ok(peers), // If the record cannot be read, opening it later reports this.
    }
}

fn required<T>(
    value: Option<T>,
    flag: &'static str,
    env: &'static str,
    key: &'static str,
) -> Result<T, ServeError> {
    value.ok_or(ServeError::Missing { flag, env, key })
}

/// Reads the token from `file`, or from the variable `ELECTOR_TOKEN` if there is no file. A node
/// has no flag for the token itself, because every user of the machine can read the flags of a
/// process.
fn token(file: Option<PathBuf>) -> Result<Option<Token>, ServeError> {
    let variable = || {
        env::var("ELECTOR_TOKEN")
            .ok()
            .filter(|token| !token.is_empty())
    };
    match file {
        Some(file) => Ok(Some(Token::read(file)?)),
        None => Ok(variable().map(|token| token.parse()).transpose()?),
    }
}

/// Returns the number at the end of the host name plus one. The node on the host `elector-0` has
/// the id 1: Kubernetes numbers pods from 0, and operators number nodes from 1.
fn id_from_host_name() -> Result<NodeId, ServeError> {
    let name = rustix::system::uname();
    id_from(&name.nodename().to_string_lossy())
}

fn id_from(host: &str) -> Result<NodeId, ServeError> {
    let digits = host.len() - host.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number = host[host.len() - digits..].parse::<u64>().ok();
    let id = number.and_then(|number| number.checked_add(1));
    id.map(NodeId)
        .ok_or_else(|| ServeError::HostName(host.to_owned()))
}

#[cfg(test)]
mod tests {
    use elector_raft::{Raft, RaftConfig};

    use super::*;

    fn setup(text: &str) -> Result<NodeSetup<Raft>, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        NodeSetup::new(settings, Default::default()).map_err(|error| error.to_string())
    }

    const PEERS: &str = "data_dir = 'd'\npeers = ['1=a:1', '2=b:1', '3=c:1']\n";

    // An operator who starts a node for the first time often forgets a setting. The error must say
    // how to give the setting.
    #[test]
    fn a_missing_setting_is_named_as_flag_variable_and_key() {
        for (text, hint) in [
            ("", "ELECTOR_ID"),
            ("id = 1\npeers = ['1=a:1']", "data_dir in the file"),
            ("id = 1\ndata_dir = 'd'", "--peers is missing"),
            (
                "id = 1\ndata_dir = 'd'\njoin = ['2=a:1']",
                "choose raft or paxos",
            ),
            (&format!("id = 4\n{PEERS}"), "own id 4 is not in the list"),
            (
                "id = 1\ndata_dir = 'd'\npeers = ['1=a:1', '1=b:1']",
                "listed twice",
            ),
            (
                &format!("id = 1\n{PEERS}[detection]\nfloor_ms = 100"),
                "longer than the lease",
            ),
            (
                &format!("id = 1\n{PEERS}[detection]\nping_ms = -1"),
                "detection.ping_ms",
            ),
        ] {
            let error = setup(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
        assert!(setup(&format!("id = 2\n{PEERS}")).is_ok());
    }

    // Without leases, a leader never starts its work. `NodeSetup::new` must reject such a
    // configuration, so that no data folder is created.
    #[test]
    fn an_algorithm_without_leases_is_rejected() {
        let settings: Settings = toml::from_str(&format!("id = 2\n{PEERS}")).unwrap();
        let config = RaftConfig {
            check_quorum: false,
            ..RaftConfig::default()
        };
        let error = NodeSetup::<Raft>::new(settings, config).unwrap_err();
        assert!(error.to_string().contains("no leases"), "{error}");
    }

    // The pods of a stateful set have equal settings, and differ only in their host names. So the
    // host name must give each pod an id of its own.
    #[test]
    fn the_id_comes_from_the_number_in_the_host_name() {
        assert_eq!(id_from("elector-0").unwrap(), NodeId(1));
        assert_eq!(id_from("db12").unwrap(), NodeId(13));
        for name in [
            "",
            "elector",
            "n-18446744073709551615",
            "n-99999999999999999999",
        ] {
            assert!(id_from(name).is_err(), "{name}");
        }
    }
}
