//! The report for operators of what a node knows about the members.

use alloc::vec::Vec;

use elector_core::{ChangeWait, Member, MemberRole, MembersReport, Moment, quorum::Reseat};

use crate::{Members, Voter, algorithm::change::Next};

impl<A: Reseat> Members<A> {
    pub(super) fn report(&self, now: Moment) -> MembersReport {
        let roster = &self.durable.roster;
        let office = self.office.as_ref();
        let wanted = match office {
            Some(office) if !office.wanted.is_empty() => &office.wanted,
            _ => &roster.goal,
        };
        let stays = |voter: &Voter| {
            wanted.is_empty() || wanted.iter().any(|wanted| voter.is_kept_by(wanted))
        };
        let mut members: Vec<Member> = Vec::new();
        for voter in &roster.voters {
            let role = match stays(voter) {
                true => MemberRole::Voter,
                false => MemberRole::Leaving,
            };
            members.push(self.member(*voter, role));
        }
        // A voter that comes back with another disk is in the list twice: once as leaving, once as
        // joining.
        let joining = wanted.iter().filter(|wanted| {
            let voter = roster.voter(wanted.node);
            voter.is_none_or(|voter| !voter.is_kept_by(wanted))
        });
        members.extend(joining.map(|wanted| self.member(*wanted, MemberRole::Joining)));
        for (&node, heard) in office.iter().flat_map(|office| &office.heard) {
            let disk = heard.disk;
            let is_listed = |member: &Member| Voter::from(*member).is(node, disk);
            if !members.iter().any(is_listed) {
                let observer = Voter {
                    disk,
                    is_witness: heard.is_witness,
                    ..Voter::unbound(node)
                };
                members.push(self.member(observer, MemberRole::Observer));
            }
        }
        members.sort_by_key(|member| (member.node, member.role));
        MembersReport {
            roster: roster.id(),
            goal: (!wanted.is_empty()).then(|| wanted.iter().map(|voter| voter.node).collect()),
            members,
            waits_for: self.waits_for(now),
        }
    }

    /// Returns what this node knows about the node and the disk of `voter`.
    fn member(&self, voter: Voter, role: MemberRole) -> Member {
        let heard = self
            .office
            .as_ref()
            .and_then(|office| office.heard.get(&voter.node));
        let heard = heard.filter(|heard| voter.is(voter.node, heard.disk));
        Member {
            node: voter.node,
            role,
            disk: voter.disk.or(heard.and_then(|heard| heard.disk)),
            is_witness: voter.is_witness,
            heard: heard.map(|heard| heard.at),
        }
    }

    /// Returns what the next step of a change waits for; `None` if there is no change, or the step
    /// need not wait.
    fn waits_for(&self, now: Moment) -> Option<ChangeWait> {
        let office = self.office.as_ref()?;
        if !self.durable.roster.is_changing() && office.wanted.is_empty() {
            return None;
        }
        if let Err(wait) = self.may_change() {
            return Some(wait);
        }
        match self.next(now) {
            Next::Wait(wait) => Some(wait),
            Next::HandOver => Some(ChangeWait::HandOver),
            Next::Make(_) | Next::Nothing => None,
        }
    }
}
