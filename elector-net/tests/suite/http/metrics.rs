use std::collections::BTreeMap;

use elector_core::{NodeId, actor::Elector};
use elector_net::{
    FileStorage, Identity,
    http::{
        Limits, Options,
        prometheus_client::{metrics::gauge::Gauge, registry::Registry},
    },
};
use elector_raft::Raft;

use super::{Answer, Served, elected};

/// The header with which a client requests metrics in the `OpenMetrics` format.
const OPEN: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";

/// Checks every line of the text with the metrics. Returns the value of each sample by its name and
/// labels.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("TYPE"), Some(name), Some("gauge" | "counter" | "histogram" | "info")) => {
                    families.push(name.to_owned());
                }
                (Some("HELP"), Some(_), Some(_))
                | (Some("UNIT"), Some(_), Some("bytes" | "seconds")) => {}
                (Some("EOF"), None, None) => assert!(text.ends_with("# EOF\n")),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect(line);
        let bare = name.split('{').next().unwrap();
        let family = families.last().expect("a type comes first");
        assert!(bare.starts_with(family.as_str()), "{line} under {family}");
        let known = ["elector_", "process_"];
        assert!(known.iter().any(|known| bare.starts_with(known)), "{line}");
        let value: f64 = value.parse().expect(line);
        assert_eq!(
            samples.insert(name.to_owned(), value),
            None,
            "twice: {line}"
        );
    }
    samples
}

async fn scraped(served: &Served, accept: &str) -> Answer {
    let head = format!("GET /metrics HTTP/1.1\r\n{accept}");
    served.ask(&head, "").await
}

// Alerts use these metrics. If a metric differed from the status of the node, alerts would be
// wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_agree_with_the_status() {
    let (cluster, leader) = elected(3).await;
    for elector in cluster.running() {
        let served = Served::with(elector, Limits::default()).await;
        served.until("/readyz", 200).await;
        if elector.node_id() == leader {
            served.until("/leader", 200).await;
        }
        // The test sends the requests one after the other. If the status has changed between them,
        // the test sends them again.
        let (status, samples) = loop {
            let before = served.get("/v1/status").await.json();
            let samples = parsed(&scraped(&served, "").await.body);
            let after = served.get("/v1/status").await.json();
            if before["since"] == after["since"] {
                break (before, samples);
            }
        };
        let leads = u64::from(status["holds_leadership"].as_bool().unwrap()) as f64;
        assert_eq!(samples["elector_is_leader"], leads);
        assert_eq!(samples["elector_has_leader"], 1.0);
        assert_eq!(samples["elector_epoch"], status["epoch"].as_f64().unwrap());
        assert_eq!(
            samples["elector_lease_remaining_seconds"] > 0.0,
            leads > 0.0
        );
        assert!(samples["elector_lease_remaining_seconds"] <= 0.8);
        assert!(samples["elector_leader_changes_total"] >= 1.0);
        for (name, key) in [
            ("elector_inputs_handled_total", "handled"),
            ("elector_messages_sent_total", "sent"),
            ("elector_messages_undelivered_total", "undelivered"),
            ("elector_messages_refused_total", "refused"),
        ] {
            assert!(
                samples[name] >= status["traffic"][key].as_f64().unwrap(),
                "{name}"
            );
        }
        let node = elector.node_id();
        let version = env!("CARGO_PKG_VERSION");
        let info = format!(
            "elector_info{{algorithm=\"raft\",version=\"{version}\",cluster=\"billing\",\
             node=\"{node}\"}}"
        );
        assert_eq!(samples[&info], 1.0);
        // The request for metrics has a connection itself, and earlier connections may not be
        // closed yet.
        assert!((1.0..10.0).contains(&samples["elector_http_connections"]));
    }
    cluster.shutdown().await;
}

// Every node that sees a change of the leader must count the change once in its metric.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_the_leader_are_counted() {
    let (cluster, leader) = elected(1).await;
    let served = Served::with(cluster.node(leader).unwrap(), Limits::default()).await;
    let mut changes = Vec::new();
    for _ in 0..3 {
        served.until("/leader", 200).await;
        let samples = parsed(&served.get("/metrics").await.body);
        changes.push(samples["elector_leader_changes_total"]);
        assert_eq!(served.post("/v1/step-down").await.status, 200);
        served.until("/leader", 503).await;
    }
    // The service may receive the event of a change a moment after the status shows the change, so
    // the last changes may not be counted yet.
    assert!(changes[2] >= changes[0] + 1.0, "{changes:?}");
    served.until("/leader", 200).await;
    cluster.shutdown().await;
}

// Prometheus and older clients request the metrics in different formats. The answers in both
// formats must contain the metrics of the application.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_formats_contain_the_applications_metrics() {
    let (cluster, leader) = elected(1).await;
    let connections = Gauge::<i64>::default();
    connections.set(2);
    let options = Options::new("billing").metrics(move |registry: &mut Registry| {
        registry.register("elector_peer_connections", "Open connections", connections);
    });
    let served = Served::new(cluster.node(leader).unwrap(), options).await;
    for (accept, kind, ends) in [
        ("", "text/plain; version=0.0.4; charset=utf-8", false),
        (
            "Accept: */*\r\n",
            "text/plain; version=0.0.4; charset=utf-8",
            false,
        ),
        (
            OPEN,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            true,
        ),
    ] {
        let answer = scraped(&served, accept).await;
        assert_eq!(answer.headers["content-type"], kind);
        assert_eq!(answer.body.ends_with("# EOF\n"), ends);
        assert_eq!(parsed(&answer.body)["elector_peer_connections"], 2.0);
    }
    cluster.shutdown().await;
}

// A slow disk makes elections slow. With the metric of the duration of saves, an alert is possible
// before the disk hangs. The metric must be a valid histogram.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_duration_of_saves_is_a_metric() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::of::<Raft>("billing", 1);
    FileStorage::format(folder.path(), &identity, [NodeId(1)]).unwrap();
    let storage = FileStorage::at(folder.path(), identity);
    let options = Options::new("billing").record(&storage.record());
    let builder = Elector::builder("billing")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let elector = builder.storage(storage).start().await.unwrap();
    let served = Served::new(&elector, options).await;
    served.until("/leader", 200).await;
    for accept in ["", OPEN] {
        let samples = parsed(&scraped(&served, accept).await.body);
        let bucket = |(name, count): (&String, &f64)| {
            let bound = name.strip_prefix("elector_disk_write_seconds_bucket{le=\"")?;
            let bound: f64 = bound.strip_suffix("\"}")?.parse().expect(name);
            Some((bound, *count))
        };
        let mut buckets: Vec<(f64, f64)> = samples.iter().filter_map(bucket).collect();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        assert!(
            buckets.iter().map(|(_, count)| count).is_sorted(),
            "{buckets:?}"
        );
        let saves = samples["elector_disk_write_seconds_count"];
        assert!(saves >= 1.0, "the node has voted for itself");
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, saves)));
        assert_eq!(buckets[0].0, 50e-6);
        assert_eq!(buckets[buckets.len() - 2].0, 10.0);
        assert!(samples["elector_disk_write_seconds_sum"] > 0.0);
    }
    elector.shutdown().await.unwrap();
}

// Operators find leaks of memory or descriptors with the metrics of a process that all Prometheus
// clients have. A node must have these metrics, too.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_has_the_usual_metrics() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::new(elector, Options::new("billing")).await;
    let second = Served::new(elector, Options::new("billing")).await;
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut starts = Vec::new();
    for (served, accept) in [(&served, ""), (&served, OPEN), (&second, "")] {
        let samples = parsed(&scraped(served, accept).await.body);
        assert!(samples["process_cpu_seconds_total"] >= 0.0);
        assert!(samples["process_resident_memory_bytes"] > 1e6);
        assert!(samples["process_threads"] >= 3.0, "runtime and node");
        let open = samples["process_open_fds"];
        assert!((3.0..=samples["process_max_fds"]).contains(&open), "{open}");
        starts.push(samples["process_start_time_seconds"]);
    }
    // The clock may be adjusted a little during the test.
    for started in starts {
        let age = now.as_secs_f64() - started;
        assert!((-60.0..86_400.0).contains(&age), "{age}");
    }
    cluster.shutdown().await;
}
