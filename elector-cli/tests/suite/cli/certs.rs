//! Tests of `elector certs`.

use std::fs;

use super::{Folder, stdout_of, usage_error};

// The command must write the files that `--tls-dir` reads, and print the next steps of the
// operator.
#[test]
fn a_cluster_gets_its_certificates_and_the_next_steps() {
    let folder = Folder::new("certs");
    let out = folder.0.join("new");
    let text = stdout_of(&format!(
        "certs dev --nodes 3 --out {} --days 30",
        out.display()
    ));
    for name in [
        "ca",
        "ca.key",
        "node-1",
        "node-1.key",
        "node-3",
        "node-3.key",
    ] {
        let path = out.join(format!("{name}.pem"));
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(fs::read_to_string(path).unwrap().starts_with("-----BEGIN "));
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 8);
    let next = format!(
        "elector node --id 1 --peers 1=HOST:PORT,2=HOST:PORT,3=HOST:PORT --data-dir DIR --init \
         --tls-dir {}\n",
        out.display()
    );
    for part in [
        &next,
        "valid for 30 days",
        "offline",
        "for development and private clusters",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

// Operators add nodes while the cluster runs, so the files of the existing nodes must not change.
#[test]
fn a_node_is_added_with_the_ca_in_the_folder() {
    let folder = Folder::new("certs-add");
    let out = folder.0.join("new").display().to_string();
    stdout_of(&format!(
        "certs dev --nodes 1 --out {out} --cluster billing"
    ));
    let ca = fs::read(format!("{out}/ca.pem")).unwrap();
    let text = stdout_of(&format!("certs dev --add 4,5 --out {out}"));
    assert!(
        text.contains("node-4.pem") && text.contains("node-5.key.pem"),
        "{text}"
    );
    assert!(!text.contains("ca.pem\n"), "{text}");
    assert_eq!(fs::read(format!("{out}/ca.pem")).unwrap(), ca);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 8);
}

// If the keys of a cluster are overwritten, they cannot be restored. So no error may leave a file
// overwritten, and each error must name its reason.
#[test]
fn errors_name_the_reason() {
    let folder = Folder::new("certs-errors");
    let file = folder.file("file", "mine");
    let existing = folder.0.join("existing").display().to_string();
    stdout_of(&format!("certs dev --nodes 2 --out {existing}"));
    let absent = folder.0.join("absent").display().to_string();
    for (arguments, reason) in [
        (
            format!("certs dev --nodes 2 --out {existing}"),
            "ca.pem exists",
        ),
        (
            format!("certs dev --add 2 --out {existing}"),
            "node-2.pem exists",
        ),
        (format!("certs dev --add 2 --out {absent}"), "ca.pem"),
        (
            format!("certs dev --nodes 2 --out {}", file.display()),
            "cannot write",
        ),
        (
            format!("certs dev --nodes 0 --out {absent}"),
            "at least 1 node",
        ),
        (
            format!("certs dev --nodes 1001 --out {absent}"),
            "the limit is 1000",
        ),
        (
            format!("certs dev --nodes 1 --days 0 --out {absent}"),
            "1..=3650",
        ),
        (
            format!("certs dev --nodes 1 --cluster a/b --out {absent}"),
            "cannot name a cluster",
        ),
        (
            format!("certs dev --nodes 1 --add 2 --out {absent}"),
            "cannot be used with",
        ),
        (format!("certs dev --out {absent}"), "--nodes"),
        ("certs dev --nodes 1".to_owned(), "--out"),
        ("certs".to_owned(), "dev"),
    ] {
        let error = usage_error(&arguments);
        assert!(error.contains(reason), "{arguments}: {error}");
    }
    assert!(!folder.0.join("absent").exists());
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
