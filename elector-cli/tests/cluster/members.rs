//! Tests that change the members of a cluster of Raft or Paxos while the cluster runs.

use std::{fs, net::SocketAddr, process::Command};

use serde_json::Value;

use crate::{
    cluster::{Cluster, PATIENT, Setup},
    command::{elector, failed, finished},
    until,
};

const TOKEN: &str = "a-token-for-the-tests-of-members";

/// A cluster that begins with three nodes, and whose members change.
struct Changing {
    cluster: Cluster,
    algorithm: &'static str,
    /// The ids of the nodes with which the cluster begins.
    first: [u64; 3],
}

impl Changing {
    fn start(algorithm: &'static str) -> Self {
        Self::of(algorithm, [1, 2, 3])
    }

    fn of(algorithm: &'static str, first: [u64; 3]) -> Self {
        // The cluster has six addresses, so that nodes can be added.
        let cluster = Cluster::stopped(Setup::new(algorithm, 6));
        fs::write(cluster.path("settings.toml"), PATIENT).unwrap();
        let mut changing = Self {
            cluster,
            algorithm,
            first,
        };
        for id in first {
            changing.format(id, &changing.first());
        }
        for id in first {
            changing.spawn(id, &changing.first());
        }
        changing.cluster.leader();
        changing
    }

    /// Returns the arguments of a node with which the cluster begins.
    fn first(&self) -> [String; 2] {
        let peers = self.first.iter();
        let peers = peers.map(|&id| format!("{id}={}", self.cluster.address(id)));
        ["--peers".to_owned(), peers.collect::<Vec<_>>().join(",")]
    }

    /// Returns the arguments of a node that joins the cluster of the node `with`.
    fn joining(&self, with: u64) -> [String; 2] {
        let address = self.cluster.address(with);
        ["--join".to_owned(), format!("{with}={address}")]
    }

    fn node(&self, id: u64, arguments: &[String]) -> Command {
        let mut command = elector(&["node", "--id", &id.to_string(), "--log-format", "json"]);
        command
            .args(["--algorithm", self.algorithm])
            .args(arguments)
            .arg("--config")
            .arg(self.cluster.path("settings.toml"))
            .arg("--data-dir")
            .arg(self.cluster.path(&id.to_string()));
        command
    }

    fn format(&self, id: u64, arguments: &[String]) {
        let address = self.cluster.address(id).to_string();
        let mut command = self.node(id, arguments);
        let (code, output) = finished(command.args(["--listen", &address, "--init"]));
        assert_eq!(code, 0, "{output}");
    }

    fn spawn(&mut self, id: u64, arguments: &[String]) {
        self.spawn_at(id, self.cluster.address(id), arguments);
    }

    fn spawn_at(&mut self, id: u64, address: SocketAddr, arguments: &[String]) {
        let mut command = self.node(id, arguments);
        command
            .args(["--listen", &address.to_string()])
            .args(["--http", &self.cluster.http(id)])
            .env("ELECTOR_TOKEN", TOKEN);
        self.cluster.spawn_as(id, command);
    }

    /// Runs `elector members` against a node. Returns the exit code and the output.
    fn members(&self, at: u64, arguments: &[&str]) -> (i32, String) {
        let mut command = elector(&["members", "--http", &self.cluster.http(at)]);
        finished(command.args(arguments).env("ELECTOR_TOKEN", TOKEN))
    }

    fn changed(&self, at: u64, arguments: &[&str]) {
        let (code, output) = self.members(at, arguments);
        assert_eq!(code, 0, "{arguments:?}: {output}");
        assert!(output.contains("complete"), "{output}");
    }

    /// Returns the members as a node knows them: the id and the role of each member. An id can have
    /// two roles if two disks are known.
    fn roles(&self, at: u64) -> Vec<(u64, String)> {
        let (_, output) = self.members(at, &["--json"]);
        let report: Value = serde_json::from_str(&output).unwrap_or_default();
        let members = report["members"].as_array().cloned().unwrap_or_default();
        let roles = members.iter().map(|member| {
            let role = member["role"].as_str().unwrap_or_default();
            (member["id"].as_u64().unwrap_or_default(), role.to_owned())
        });
        roles.collect()
    }

    fn await_role(&self, at: u64, id: u64, role: &str) {
        until(&format!("node {id} is {role}"), || {
            self.roles(at).contains(&(id, role.to_owned()))
        });
    }

    fn voters(&self, at: u64) -> Vec<u64> {
        let roles = self.roles(at).into_iter();
        let voters = roles.filter(|(_, role)| role == "voter");
        voters.map(|(id, _)| id).collect()
    }

    /// Starts a node that joins the cluster, and waits until the leader knows it as an observer.
    fn join(&mut self, id: u64, leader: u64) {
        let joining = self.joining(leader);
        self.spawn(id, &joining); // This start creates the data folder.
        self.await_role(leader, id, "observer");
    }
}

// The most frequent task of an operator is to replace a dead machine. One command must be enough
// for this task, and the leader must stay.
#[test]
fn a_dead_machine_is_replaced_by_one_command() {
    for algorithm in ["raft", "paxos"] {
        let mut changing = Changing::start(algorithm);
        let (epoch, leader) = changing.cluster.leader();
        let dead = leader % 3 + 1;
        changing.cluster.kill(dead);
        changing.join(4, leader);
        changing.changed(leader, &["add", "4", "--remove", &dead.to_string()]);
        let mut expected = vec![1, 2, 3, 4];
        expected.retain(|&id| id != dead);
        assert_eq!(changing.voters(leader), expected, "{algorithm}");
        assert_eq!(changing.cluster.leader(), (epoch, leader), "{algorithm}");
        // The new voter must count: if the leader is killed, only the new voter and the third voter
        // are left to elect the next leader.
        changing.cluster.kill(leader);
        let (_, next) = changing.cluster.leader_after(epoch);
        assert_eq!(changing.voters(next), expected, "{algorithm}");
    }
}

// A node that has lost its disk has also lost its votes. So it must not vote, and must log how it
// can be readmitted.
#[test]
fn a_node_with_an_empty_disk_is_an_observer_until_it_is_readmitted() {
    let mut changing = Changing::start("raft");
    let (_, leader) = changing.cluster.leader();
    until("the list names all disks", || {
        let (_, output) = changing.members(leader, &[]);
        output.contains("roster") && !output.contains("not known yet")
    });
    let empty = leader % 3 + 1;
    let id = empty.to_string();
    let (code, output) = changing.members(leader, &["readmit", &id]);
    assert!(code == 1 && output.contains("new disk"), "{output}");
    changing.cluster.kill(empty);
    fs::remove_dir_all(changing.cluster.path(&id)).unwrap();
    changing.format(empty, &changing.first());
    changing.spawn(empty, &changing.first());
    changing.await_role(leader, empty, "observer");
    let advice = format!("elector members readmit {empty}");
    changing.cluster.logs.wait_for(empty, &advice);
    changing.cluster.logs.wait_for(leader, &advice);
    changing.changed(leader, &["readmit", &id]);
    assert_eq!(changing.voters(leader), [1, 2, 3]);
    // The node loses its disk once more, and the commands come in another order: the node is added
    // before the leader knows the new disk.
    changing.cluster.kill(empty);
    fs::remove_dir_all(changing.cluster.path(&id)).unwrap();
    changing.changed(leader, &["remove", &id]);
    let (code, output) = changing.members(leader, &["add", &id, "--no-wait"]);
    assert_eq!(code, 0, "{output}");
    let joining = changing.joining(leader);
    changing.spawn(empty, &joining);
    until("the node votes", || changing.voters(leader) == [1, 2, 3]);
    assert!(
        !changing
            .roles(leader)
            .contains(&(empty, "observer".to_owned()))
    );
}

// If the leader is removed, the cluster must get another leader. Nodes that know no address from
// their settings must find each other again, also after their addresses have changed.
#[test]
fn a_removed_leader_hands_over_and_all_nodes_may_move() {
    let mut changing = Changing::start("raft");
    let (epoch, leader) = changing.cluster.leader();
    changing.join(4, leader);
    changing.changed(leader, &["add", "4"]);
    changing.changed(leader, &["remove", &leader.to_string()]);
    let (_, next) = changing.cluster.leader_after(epoch);
    assert_ne!(next, leader);
    let voters = changing.voters(next);
    assert!(!voters.contains(&leader) && voters.len() == 3, "{voters:?}");
    changing.cluster.kill(leader);
    let mut epoch = 0;
    for &id in &voters {
        changing.cluster.kill(id);
        let mut address = changing.cluster.address(id);
        address.set_port(address.port() + 20);
        changing.spawn_at(id, address, &[]);
        (epoch, _) = changing.cluster.leader(); // All nodes must know this leader.
    }
    for &id in &voters {
        changing.cluster.kill(id);
    }
    for &id in &voters {
        let mut address = changing.cluster.address(id);
        address.set_port(address.port() + 20);
        changing.spawn_at(id, address, &[]);
    }
    let (_, last) = changing.cluster.leader_after(epoch);
    assert_eq!(changing.voters(last), voters);
}

// After the loss of a majority and `elector recover`, fencing tokens must keep rising, and a node
// with a record from before must not take part any more.
#[test]
fn a_lost_majority_is_recovered() {
    let mut changing = Changing::start("raft");
    // When all voters have answered, the leader adds their disk ids to the list of members, and so
    // changes their records. `elector record show` must read a record with disk ids, too. So wait
    // until the list has all disk ids.
    until("the list names all disks", || {
        let (_, output) = changing.members(changing.cluster.leader().1, &[]);
        output.contains("roster") && !output.contains("not known yet")
    });
    let (epoch, leader) = changing.cluster.leader();
    let kept = leader % 3 + 1;
    let recover = |changing: &Changing| {
        let mut command = elector(&["recover", "--as-sole-voter", "--i-have-stopped-the-others"]);
        let folder = changing.cluster.path(&kept.to_string());
        command.arg("--data-dir").arg(folder);
        command
    };
    let output = failed(&mut recover(&changing));
    assert!(output.contains("in use by process"), "{output}");
    for id in 1..=3 {
        changing.cluster.kill(id);
    }
    let folder = changing.cluster.path(&kept.to_string());
    let (_, output) = finished(elector(&["record", "show"]).arg(&folder));
    let shown = format!("highest epoch       {epoch}");
    assert!(
        output.contains(&shown) && output.contains("voters      1,2,3"),
        "{output}"
    );
    let (code, output) = finished(&mut recover(&changing));
    assert!(code == 0 && output.contains("only voter"), "{output}");
    assert!(
        output.contains(&format!("before it was {epoch}")),
        "{output}"
    );
    changing.spawn(kept, &changing.first());
    let (recovered, alone) = changing.cluster.leader_after(epoch);
    assert!(alone == kept && recovered >= 1 << 32, "{recovered}");
    let old = kept % 3 + 1;
    changing.spawn(old, &changing.first());
    changing.cluster.logs.wait_for(old, "elector recover");
    changing.cluster.kill(old);
    fs::remove_dir_all(changing.cluster.path(&old.to_string())).unwrap();
    changing.join(old, kept);
    changing.changed(kept, &["add", &old.to_string()]);
    assert_eq!(changing.voters(kept).len(), 2);
}

// With a witness, which votes and never leads, two machines become a cluster that survives a
// failure. The witness must not lead if a leader resigns, and not if the witness is the first to
// notice that the leader has failed.
#[test]
fn a_witness_votes_and_never_leads() {
    for algorithm in ["raft", "paxos"] {
        let mut changing = Changing::start(algorithm);
        let witness = changing.cluster.others(changing.cluster.leader().1)[0];
        let mut arguments = changing.first().to_vec();
        arguments.push("--never-lead".to_owned());
        // When all voters have answered, the leader adds their disk ids to the list of members. The
        // test waits for this change, so that the list is changed again when the node comes back as
        // a witness.
        until("the list names all disks", || {
            let (_, output) = changing.members(changing.cluster.leader().1, &[]);
            output.contains("roster") && !output.contains("not known yet")
        });
        changing.cluster.kill(witness);
        changing.spawn(witness, &arguments);
        let (mut epoch, mut leader) = changing.cluster.leader();
        assert_ne!(leader, witness, "{algorithm}");
        until("the leader knows the witness", || {
            let (_, output) = changing.members(leader, &[]);
            output.contains("witness")
        });
        for round in 0..4 {
            let mut command = elector(&["step-down", "--http", &changing.cluster.http(leader)]);
            if round % 2 == 0 {
                let (code, output) = finished(command.env("ELECTOR_TOKEN", TOKEN));
                assert_eq!(code, 0, "{output}");
            } else {
                changing.cluster.kill(leader);
            }
            let (newer, next) = changing.cluster.leader_after(epoch);
            assert!(
                next != witness && next != leader,
                "{algorithm}: {next} after {leader}"
            );
            if round % 2 == 1 {
                changing.spawn(leader, &changing.first());
            }
            (epoch, leader) = (newer, next);
            changing.cluster.leader();
        }
        // If no other voter can lead, a leader that is being removed must continue to lead until
        // another voter can.
        let other = 6 - leader - witness;
        changing.cluster.kill(other);
        let arguments = ["remove", &leader.to_string(), "--wait-ms", "1500"];
        let (code, output) = changing.members(leader, &arguments);
        assert!(
            code == 3 && output.contains("must hand over first"),
            "{output}"
        );
        assert_eq!(changing.cluster.leader(), (epoch, leader), "{algorithm}");
    }
}

// An operator may mistype an address, and name a node of another cluster. The two clusters must not
// merge: one of them would lose its members.
#[test]
fn two_clusters_with_one_name_reject_each_other() {
    let (here, there) = (Changing::start("raft"), Changing::of("raft", [4, 5, 6]));
    let (_, leader) = here.cluster.leader();
    let stranger = format!("4={}", there.cluster.address(4));
    let (code, output) = here.members(leader, &["add", &stranger, "--wait-ms", "2000"]);
    assert_eq!(code, 3, "{output}");
    here.cluster.logs.wait_for(leader, "the list of nodes of");
    assert_eq!(here.voters(leader), [1, 2, 3]);
    let (_, other) = there.cluster.leader();
    assert_eq!(there.voters(other), [4, 5, 6]);
    here.changed(leader, &["remove", "4", "--replace"]);
}

// The node must refuse each mistake of an operator with a reason, and must change nothing.
#[test]
fn mistakes_are_refused_with_a_reason() {
    let changing = Changing::start("raft");
    let (_, leader) = changing.cluster.leader();
    let follower = leader % 3 + 1;
    for (at, arguments, code, reason) in [
        (leader, &["add", "9"][..], 3, "9=HOST:PORT"),
        (leader, &["add", "9=nowhere"], 3, "HOST:PORT"),
        (leader, &["add", "2=127.0.0.1:1"], 1, "is a member already"),
        (leader, &["remove", "9"], 3, "no voter"),
        (leader, &["remove", "1,2,3"], 1, "needs a voter"),
        (
            leader,
            &["set", "1", "--if-roster", "0.9"],
            1,
            "have changed meanwhile",
        ),
        (follower, &["remove", "1"], 1, "does not lead"),
    ] {
        let (found, output) = changing.members(at, arguments);
        assert!(
            found == code && output.contains(reason),
            "{arguments:?}: {found} {output}"
        );
    }
    assert_eq!(changing.voters(leader), [1, 2, 3]);
    // If an operator has added a node with a mistyped address, the change waits, and the operator
    // can remove the node again.
    let (code, output) = changing.members(leader, &["add", "9=127.0.0.1:9", "--wait-ms", "300"]);
    assert!(
        code == 3 && output.contains("goes on by itself"),
        "{output}"
    );
    let (code, output) = changing.members(leader, &["add", "8=127.0.0.1:8"]);
    assert!(code == 1 && output.contains("is in progress"), "{output}");
    changing.changed(leader, &["remove", "9", "--replace"]);
    assert_eq!(changing.voters(leader), [1, 2, 3]);
}
