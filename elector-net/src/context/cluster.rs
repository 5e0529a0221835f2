//! Decides which nodes belong to the cluster of this node.

use std::sync::atomic::Ordering;

use elector_core::{DiskId, ElectionAlgorithm, NodeId};

use super::{MAX_LOGGED_REJECTIONS, NodeContext};
use crate::{
    link::lock,
    links::Standing,
    record::{AdmitError, RecordHandle},
    wire::{ROSTERS_SINCE, hello::Hello, rejection::Rejection},
};

impl<A: ElectionAlgorithm> NodeContext<A> {
    /// Returns the founders of the cluster, as far as this node knows them: the nodes of the first
    /// start, each with the id of its first disk.
    pub(super) fn founders(&self) -> Vec<(NodeId, DiskId)> {
        let roster = self.record.as_ref().and_then(RecordHandle::roster);
        roster.map_or_else(Vec::new, |roster| roster.founders(self.me()))
    }

    /// Returns `true` if this node joins a running cluster, and has no list of its members yet.
    pub(super) fn joins(&self) -> bool {
        A::CHANGES_MEMBERS && self.links.has_no_roster()
    }

    /// Returns `true` if this node is *settled*: the list of members names it as a voter with its
    /// present disk. A settled node knows the founders of its cluster.
    pub(super) fn is_settled(&self) -> bool {
        self.links.standing(self.me()) == Standing::Voter(Some(self.hello.disk))
    }

    /// Takes what the hello of a peer says about the cluster. If this node has no list of members
    /// yet, it takes the lineage, which is zero or the random number of a recovery. If this node is
    /// not [settled](Self::is_settled), it takes the [founders](Self::founders) that a settled peer
    /// knows. Returns `true` when lineage and founders are durable, and `false` if they cannot be
    /// stored.
    pub(crate) async fn join(&self, hello: &Hello) -> bool {
        let own_lineage = *lock(&self.lineage);
        let lineage = match self.joins() && !hello.joins {
            true => hello.list.lineage,
            false => own_lineage,
        };
        let teaches = hello.settled && !hello.founders.is_empty() && !self.is_settled();
        let founders = Some(&hello.founders).filter(|_| teaches && A::CHANGES_MEMBERS);
        let is_known = founders.is_none_or(|founders| *founders == self.founders());
        if lineage != own_lineage || !is_known {
            let founders = founders.cloned();
            if let Err(error) = self.store_cluster(lineage, founders).await {
                tracing::error!(
                    node = self.me().0,
                    error,
                    "data about the cluster could not be stored, so this node does not join it: \
                     check the data folder of this node"
                );
                return false;
            }
        }
        *lock(&self.lineage) = lineage;
        self.has_joined
            .fetch_or(founders.is_some(), Ordering::Relaxed);
        true
    }

    async fn store_cluster(
        &self,
        lineage: [u8; 16],
        founders: Option<Vec<(NodeId, DiskId)>>,
    ) -> Result<(), String> {
        let Some(record) = self.record.clone() else {
            return Ok(());
        };
        let storing = tokio::task::spawn_blocking(move || record.join(lineage, founders));
        let stored = storing.await.map_err(|error| error.to_string())?;
        stored.map_err(|error| error.to_string())
    }

    /// Checks that this node and the node that describes itself in this hello belong to one
    /// cluster. Both must have the same list of nodes. If the members can change, this is the list
    /// of the first start of the cluster, and a node that joined later has no such list.
    pub(super) fn check_list(&self, hello: &Hello, version: u16) -> Result<(), Rejection> {
        let own = &self.hello;
        if A::CHANGES_MEMBERS && version >= ROSTERS_SINCE {
            let is_same = hello.list.lineage == *lock(&self.lineage);
            if !is_same && !hello.joins && !self.joins() {
                return Err(Rejection::Lineage);
            }
            self.check_founders(hello)?;
            // A node that joined a running cluster has no list of the first nodes, so there is
            // nothing to compare.
            if hello.list.is_empty() || own.list.is_empty() {
                return Ok(());
            }
        }
        if !hello.list.has_nodes_of(&own.list) {
            return Err(Rejection::Members {
                theirs: hello.list.clone(),
                ours: own.list.clone(),
            });
        }
        if !hello.list.has_generation_of(&own.list) {
            return Err(Rejection::Generation {
                theirs: hello.list.clone(),
                ours: own.list.clone(),
            });
        }
        // The peer may run an earlier release, which knows only the members of the first start.
        // Such a peer is rejected after the members have changed.
        let is_earlier = version < ROSTERS_SINCE;
        if A::CHANGES_MEMBERS && is_earlier && !self.links.may_have_first_roster() {
            return Err(Rejection::Version {
                min: version,
                max: version,
            });
        }
        Ok(())
    }

    /// Checks that this node and the node that describes itself in this hello do not belong to two
    /// clusters with the same name. Two [settled](Self::is_settled) nodes of one cluster may both
    /// know the first disks of some nodes. Then they agree about at least one of these disks.
    fn check_founders(&self, hello: &Hello) -> Result<(), Rejection> {
        if !hello.settled || !self.is_settled() {
            return Ok(());
        }
        let (own, theirs) = (self.founders(), &hello.founders);
        let mut common = own.iter().filter_map(|(node, disk)| {
            let other = theirs.iter().find(|(known, _)| known == node);
            other.map(|(_, other)| other == disk)
        });
        let first = common.next();
        let is_other = first == Some(false) && !common.any(|is_same| is_same);
        let (own_list, their_list) = (&self.hello.list, &hello.list);
        let is_outside = their_list.is_empty() && !own_list.may_contain(theirs)
            || own_list.is_empty() && !their_list.may_contain(&own);
        match is_other || is_outside {
            true => Err(Rejection::Cluster(self.hello.cluster.clone())),
            false => Ok(()),
        }
    }

    /// Checks the disk id of a peer, a random number that was drawn when the peer's data folder was
    /// formatted. Stores the disk id if this node has stored none for the peer yet. A peer without
    /// a disk id is admitted as long as this node knows no disk id of the peer.
    ///
    /// # Errors
    /// `Some` with the rejection if this node knows another disk id of the peer. `None` if the disk
    /// id could not be stored.
    pub(crate) async fn admit(&self, node: NodeId, found: DiskId) -> Result<(), Option<Rejection>> {
        match self.links.standing(node) {
            // The roster, the list of the voters, names the disk of this voter. If the peer has
            // another disk, it is admitted all the same, but only as an observer: it does not vote.
            Standing::Voter(Some(known)) => {
                if known != found {
                    self.report_other_disk(node, known, found);
                }
                return Ok(());
            }
            Standing::Observer | Standing::Joining => return Ok(()),
            // A node that joins learns the disks of the cluster's nodes from its peers. The disks
            // in its own record may be outdated, so this node does not compare them.
            _ if self.joins() || self.has_joined.load(Ordering::Relaxed) => return Ok(()),
            Standing::Voter(None) | Standing::Unknown => {}
        }
        let Some(record) = &self.record else {
            return Ok(());
        };
        let other_disk = |known| Rejection::Disk { node, known, found };
        match record.disk_of(node) {
            Some(known) if known == found => return Ok(()),
            Some(known) => return Err(Some(other_disk(known))),
            None if found == DiskId::NONE => return Ok(()),
            None => {}
        }
        let record = record.clone();
        // This write happens once for each peer. It must not run on the node's thread, because that
        // thread has to send heartbeats in time.
        let admitting = tokio::task::spawn_blocking(move || record.admit(node, found));
        let error = match admitting.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(AdmitError::Other(known))) => return Err(Some(other_disk(known))),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(
            node = self.me().0, peer = %node, error,
            "disk id of the peer could not be stored, so the peer is not admitted: check the data \
             folder of this node"
        );
        Err(None)
    }

    /// Logs that a voter has come back with another disk than the disk that the roster, the list of
    /// the voters, names for it. Logs one line for each other disk.
    fn report_other_disk(&self, node: NodeId, known: DiskId, found: DiskId) {
        let mut logged = lock(&self.logged_disks);
        if logged.len() < MAX_LOGGED_REJECTIONS && logged.insert((node, found)) {
            tracing::warn!(
                node = self.me().0, peer = %node, %known, %found,
                "node has come back with another disk, so it does not vote: if its old disk is \
                 lost, use `elector members readmit {node}`"
            );
        }
    }
}
