//! `elector members`: shows and changes the members of a cluster that runs.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use elector_core::{MemberRole, NodeId, actor::Peer};
use elector_net::http::{MembersRequest, MembersStatus};

use super::{
    REFUSED, UNKNOWN,
    api::Api,
    args::{Change, Goal, Members, MembersCommand},
    command,
    error::ClientError,
};
use crate::output::{self, ids};

/// The pause between two queries while this command waits until a change of the members is
/// complete.
const QUERY_PAUSE: Duration = Duration::from_millis(100);

/// How many queries in a row may fail before this command gives up. A query can fail because the
/// node is busy.
const MAX_FAILED_QUERIES: u32 = 100;

const PATH: &str = "/v1/members";

/// Carries out `elector members`.
pub(super) fn members(options: &Members) -> Result<ExitCode, ClientError> {
    let Some(command) = &options.command else {
        return show(options);
    };
    match command {
        MembersCommand::Add(add) => change(options, &add.change, |present| {
            let mut goal = without(voters_after(present), &add.remove)?;
            goal.extend(add.nodes.iter().map(Goal::node));
            asked(goal, &add.nodes)
        }),
        MembersCommand::Remove(remove) => change(options, &remove.change, |present| {
            asked(without(voters_after(present), &remove.nodes)?, &[])
        }),
        MembersCommand::Set(set) => change(options, &set.change, |_| {
            asked(set.nodes.iter().map(Goal::node).collect(), &set.nodes)
        }),
        MembersCommand::Readmit(readmit) => change(options, &readmit.change, |present| {
            let node = NodeId(readmit.node);
            let mut goal = voters_after(present);
            goal.insert(node);
            let mut request = asked(goal, &[])?;
            request.readmit = vec![node];
            Ok(request)
        }),
    }
}

/// Returns `goal`, which are the voters that a change leads to, without these nodes. Returns an
/// error if one of these nodes is not in `goal`.
fn without(mut goal: BTreeSet<NodeId>, nodes: &[u64]) -> Result<BTreeSet<NodeId>, ClientError> {
    for &node in nodes {
        if !goal.remove(&NodeId(node)) {
            return Err(ClientError::NoMember(node));
        }
    }
    Ok(goal)
}

/// Returns the goal of the change in progress or, without a change in progress, the nodes that vote
/// now.
fn voters_after(present: &MembersStatus) -> BTreeSet<NodeId> {
    match &present.goal {
        Some(goal) => goal.iter().copied().collect(),
        None => {
            let voters = present.members.iter().filter(|member| member.votes());
            voters.map(|member| member.id).collect()
        }
    }
}

fn asked(goal: BTreeSet<NodeId>, named: &[Goal]) -> Result<MembersRequest, ClientError> {
    let addresses = named.iter().filter_map(|goal| match &goal.0 {
        Peer {
            id,
            address: Some(address),
        } => Some((*id, address.clone())),
        Peer { .. } => None,
    });
    Ok(MembersRequest {
        goal: goal.into_iter().collect(),
        addresses: addresses.collect(),
        ..MembersRequest::default()
    })
}

/// Returns the members as a node knows them, both parsed and as the JSON text of the answer.
pub(super) fn query(api: &Api) -> Result<(MembersStatus, String), ClientError> {
    let text = api.get(PATH)?;
    Ok((api.parse(&text)?, text))
}

fn show(options: &Members) -> Result<ExitCode, ClientError> {
    let api = Api::new(&options.target.http);
    let (present, json) = query(&api)?;
    output::print(&if options.json { json } else { page(&present) })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the members as a table for people.
fn page(present: &MembersStatus) -> String {
    let mut text = format!(
        "{:<5} {:<9} {:<23} {:<33} {}\n",
        "ID", "ROLE", "ADDRESS", "DISK", "LAST ANSWER"
    );
    for member in &present.members {
        let answered = match member.heard_ms {
            _ if member.id == present.node => "this node".to_owned(),
            Some(ms) => format!("{ms} ms ago"),
            None => "never".to_owned(),
        };
        let _ = writeln!(
            text,
            "{:<5} {:<9} {:<23} {:<33} {answered}",
            member.id,
            if member.witness && member.votes() {
                "witness"
            } else {
                &member.role
            },
            member.address.as_deref().unwrap_or("unknown"),
            member.disk.as_deref().unwrap_or("not known yet"),
        );
    }
    let _ = writeln!(text, "roster {}", present.roster);
    for (voter, other) in present.members.iter().zip(present.members.iter().skip(1)) {
        if voter.id == other.id && voter.votes() && present.goal.is_none() {
            let _ = writeln!(
                text,
                "Node {0} has come back with another disk, so it does not vote. If its old disk is \
                 lost: elector members readmit {0}",
                voter.id
            );
        }
    }
    match &present.goal {
        Some(goal) => {
            let _ = writeln!(text, "change in progress, to {}", ids(goal));
            let _ = writeln!(text, "{}", waits(present));
        }
        None => text.push_str("no change in progress\n"),
    }
    if present.leader != Some(present.node) {
        let _ = match present.leader {
            Some(leader) => writeln!(text, "Node {leader} leads. It also knows the observers."),
            None => writeln!(text, "This node knows no leader."),
        };
    }
    text
}

/// Returns what the change in progress waits for, in words.
pub(super) fn waits(present: &MembersStatus) -> String {
    match (&present.waits_for, present.leader) {
        (Some(waits), _) => format!("waiting: {waits}"),
        (None, Some(leader)) if leader != present.node => {
            format!("only the leader, node {leader}, knows what the change waits for")
        }
        (None, None) => "waiting: there is no leader now".to_owned(),
        (None, Some(_)) => "the next step is being made".to_owned(),
    }
}

/// Sends a change to the leader, and waits until the change is complete. Sends nothing if the
/// queried node does not lead, or if another change is in progress and the options do not replace
/// it.
fn change(
    members: &Members,
    options: &Change,
    request: impl Fn(&MembersStatus) -> Result<MembersRequest, ClientError>,
) -> Result<ExitCode, ClientError> {
    let api = Api::new(&members.target.http);
    let (present, _) = query(&api)?;
    let mut wanted = request(&present)?;
    if present.leader != Some(present.node) {
        output::warn(&match present.leader {
            Some(leader) => format!(
                "refused: node {} does not lead. Node {leader} leads: give its HTTP address in \
                 --http\n",
                present.node
            ),
            None => format!(
                "refused: node {} knows no leader, and only a leader changes the members\n",
                present.node
            ),
        });
        return Ok(ExitCode::from(REFUSED));
    }
    if present.goal.is_some() && !options.replace {
        let goal = ids(present.goal.as_deref().unwrap_or_default());
        output::warn(&format!(
            "refused: a change to {goal} is in progress ({}). Wait until it is complete, or give \
             it another goal with --replace\n",
            waits(&present)
        ));
        return Ok(ExitCode::from(REFUSED));
    }
    wanted.if_roster = Some(options.if_roster.clone().unwrap_or(present.roster));
    let message = format!("the change to {} has begun", ids(&wanted.goal));
    let body = serde_json::to_string(&wanted).map_err(ClientError::Json)?;
    if command::send_with(&api, &options.secret, PATH, &body, &message)?.is_none() {
        return Ok(ExitCode::from(REFUSED));
    }
    if options.no_wait {
        return Ok(ExitCode::SUCCESS);
    }
    wait_until_complete(&api, &wanted, Duration::from_millis(options.wait_ms))
}

/// Waits until no change is in progress. Prints what the change waits for, and prints it again each
/// time the change waits for something else.
fn wait_until_complete(
    api: &Api,
    wanted: &MembersRequest,
    limit: Duration,
) -> Result<ExitCode, ClientError> {
    let start = Instant::now();
    let mut shown = String::new();
    let mut failed = 0;
    loop {
        match query(api) {
            Ok((present, _)) => {
                failed = 0;
                if present.goal.is_none() {
                    return complete(&present, wanted, start.elapsed());
                }
                let waits = waits(&present);
                // In the first moments nothing is printed: the leader usually makes the next step
                // of the change before the next query, so the printed text would be outdated at
                // once.
                if waits != shown && start.elapsed() > 3 * QUERY_PAUSE {
                    output::warn(&format!("{waits}\n"));
                    shown = waits;
                }
            }
            Err(error) if failed == MAX_FAILED_QUERIES => return Err(error),
            Err(_) => failed += 1,
        }
        if start.elapsed() >= limit {
            output::warn(&format!(
                "the change is not complete after {limit:?}. It goes on by itself: see `elector \
                 members`\n"
            ));
            return Ok(ExitCode::from(UNKNOWN));
        }
        thread::sleep(QUERY_PAUSE);
    }
}

/// Prints the voters, and whether they are the goal of this command. The voters differ from the
/// goal if another change was made in the meantime.
fn complete(
    present: &MembersStatus,
    wanted: &MembersRequest,
    took: Duration,
) -> Result<ExitCode, ClientError> {
    let goal: BTreeSet<NodeId> = wanted.goal.iter().copied().collect();
    let voters: Vec<NodeId> = voters_after(present).into_iter().collect();
    let waits = |node: &NodeId| {
        let mut members = present.members.iter();
        members.any(|member| member.id == *node && member.role == MemberRole::Observer.name())
    };
    let is_reached = voters.iter().eq(&goal) && !wanted.readmit.iter().any(waits);
    let took = Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let text = match is_reached {
        true => format!("complete after {took:?}: the voters are {}\n", ids(&voters)),
        false => format!(
            "another change came first: the voters are {}, and not {}\n",
            ids(&voters),
            ids(&wanted.goal)
        ),
    };
    output::print(&text)?;
    Ok(match is_reached {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    })
}
