use std::fs;

use crate::{Nodes, TOKEN, run};

// An operator hands the leadership over before maintenance: it must work, from either kind of
// secret.
#[test]
fn a_leader_is_told_to_hand_over_and_to_step_down() {
    let (nodes, leader) = Nodes::elected(3);
    let heir = nodes.other(leader);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let served = nodes.serve(leader);
    let mut transfer = served.command(&format!("transfer --to {heir}"));
    let (code, told) = run(transfer.arg("--token-file").arg(file.path()));
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("leadership to {heir}")), "{told}");

    let mut status = nodes.elector(heir).subscribe();
    let leads = status.wait_for(|status| status.leader == Some(heir));
    let leads = async { tokio::time::timeout(crate::SOON, leads).await.map(|_| ()) };
    nodes.runtime.block_on(leads).unwrap();
    let heirs = nodes.serve(heir);
    let mut step_down = heirs.command("step-down");
    let (code, told) = run(step_down.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!((code, told.as_str()), (0, "the node has stepped down\n"));
}

// Each way to fail has another remedy.
#[test]
fn what_is_not_done_is_told_why() {
    let (nodes, leader) = Nodes::elected(3);
    let served = nodes.serve(nodes.other(leader));
    let (code, told) = run(&mut served.command("step-down"));
    assert_eq!(code, 3);
    assert!(told.contains("set ELECTOR_TOKEN"), "{told}");
    let (code, told) = run(served.command("step-down").env("ELECTOR_TOKEN", "short"));
    assert_eq!(code, 3);
    assert!(told.contains("too short"), "{told}");
    let (code, told) = run(served
        .command("step-down --token-file /nowhere/token")
        .env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 3);
    assert!(told.contains("/nowhere/token"), "{told}");
    let wrong = "another-token-altogether";
    let (code, told) = run(served.command("step-down").env("ELECTOR_TOKEN", wrong));
    assert_eq!(code, 3);
    assert!(told.contains("401") && !told.contains(wrong), "{told}");
    for arguments in ["step-down", "transfer --to 9"] {
        let (code, told) = run(served.command(arguments).env("ELECTOR_TOKEN", TOKEN));
        assert_eq!(code, 1, "{told}");
        assert!(told.starts_with("refused: "), "{told}");
    }
    assert_eq!(nodes.cluster.agreed(), Some(leader));
}

// `--help` is pasted into tickets.
#[test]
fn the_help_does_not_show_the_token() {
    let mut help = crate::command("step-down --help");
    let (code, told) = run(help.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 0);
    assert!(
        told.contains("ELECTOR_TOKEN") && !told.contains(TOKEN),
        "{told}"
    );
}
