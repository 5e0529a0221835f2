use elector_core::{
    Epoch, NodeId, Purpose, Role, View,
    trace::{Event, Stimulus},
};
use roxmltree::{Document, Node};

use super::*;
use crate::lab::sample;

const MS: u64 = 1_000_000;

fn linear() -> DiagramOptions {
    DiagramOptions {
        id_prefix: "t".to_owned(),
        time: TimeScale::Linear,
        ..DiagramOptions::default()
    }
}

/// Returns the number of elements of this class that are drawn in the lanes, and not in the legend.
fn count(document: &Document<'_>, class: &str) -> usize {
    let lanes = |node: &Node<'_, '_>| node.ancestors().any(|node| node.has_attribute("clip-path"));
    let elements = document.descendants().filter(lanes);
    elements.filter(|node| has(node, class)).count()
}

fn has(node: &Node<'_, '_>, class: &str) -> bool {
    let classes = node.attribute("class").unwrap_or_default();
    classes.split(' ').any(|one| one == class)
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn records_of(records: &[Record], wanted: fn(&Event) -> bool) -> usize {
    records
        .iter()
        .filter(|record| wanted(&record.event))
        .count()
}

fn is_received(event: &Event) -> bool {
    matches!(
        event,
        Event::Stepped {
            input: Stimulus::Received { .. },
            ..
        }
    )
}

// A diagram with missing or invented messages would mislead readers.
#[test]
fn each_delivery_is_one_arrow_and_each_loss_one_cross() {
    for records in [sample::crash(5), sample::split(7)] {
        let svg = svg(&records, &linear());
        let document = Document::parse(&svg).unwrap();
        let ended = count(&document, "t-lost");
        let delivered = records_of(&records, is_received);
        assert_eq!(count(&document, "t-a") - ended, delivered);
        let lost = records_of(&records, |event| matches!(event, Event::Lost { .. }));
        assert_eq!(count(&document, "t-x"), lost);
        assert!(lost > 3 && delivered > 50);
    }
}

// Readers look first for a split brain: a time in which two nodes lead. Its shade must begin and
// end at the right moments.
#[test]
fn split_brain_is_shaded_from_the_second_leader_to_the_first_step_down() {
    let mut records = sample::split(5);
    let end = records.last().unwrap().at_ns;
    // A change of the epoch of a leader during the split brain does not end the split brain.
    let again = View::leading(Epoch(3), NodeId(3));
    records.push(Record {
        at_ns: 600 * MS,
        node: Some(NodeId(3)),
        event: Event::Viewed {
            step: 1_000,
            view: again,
        },
    });
    let viewed = |node: u64, role: Role, epoch: u64| {
        let mut views = records.iter();
        views.find_map(|record| match record.event {
            Event::Viewed { view, .. }
                if record.node == Some(NodeId(node))
                    && view.role == role
                    && view.epoch.0 == epoch =>
            {
                Some(record.at_ns)
            }
            _ => None,
        })
    };
    let from = viewed(3, Role::Leader, 2).unwrap();
    let to = viewed(1, Role::Follower, 2).unwrap();
    let svg = svg(&records, &linear());
    let document = Document::parse(&svg).unwrap();
    let shades: Vec<_> = document
        .descendants()
        .filter(|node| has(node, "t-split"))
        .collect();
    let [shade] = shades.as_slice() else {
        panic!("{} shades", shades.len())
    };
    let lane = document
        .descendants()
        .find(|node| has(node, "t-bg"))
        .unwrap();
    let (left, right) = (76.0, number(&lane, "width") - 18.0);
    let place = |at_ns: u64| left + (right - left) * at_ns as f64 / end as f64;
    assert!((number(shade, "x") - place(from)).abs() < 0.02);
    assert!((number(shade, "width") - (place(to) - place(from))).abs() < 0.02);
}

// A reader must see where a pre-candidate, which only asks whether it could win, starts an election
// and becomes a candidate. So the bars and the legend distinguish a pre-candidate from a candidate.
#[test]
fn a_pre_candidate_has_a_bar_of_its_own() {
    let mut records = sample::split(3);
    let before = svg(&records, &linear());
    let end = records.last().unwrap().at_ns;
    let asks = View::asking_first(Epoch(9));
    let campaigns = View::campaigning(Epoch(9));
    for (at_ns, step, view) in [(end + MS, 2_000, asks), (end + 9 * MS, 2_001, campaigns)] {
        records.push(Record {
            at_ns,
            node: Some(NodeId(3)),
            event: Event::Viewed { step, view },
        });
    }
    let after = svg(&records, &linear());
    let (before, after) = (
        Document::parse(&before).unwrap(),
        Document::parse(&after).unwrap(),
    );
    // The legend has an element of this class, too, but without a title.
    let bars = |document: &Document<'_>| {
        let bars = document.descendants().filter(|node| has(node, "t-precand"));
        bars.filter(Node::has_children).count()
    };
    assert_eq!((bars(&before), bars(&after)), (0, 1));
    let legend = |document: &Document<'_>| {
        let mut texts = document.descendants().filter(|node| has(node, "t-key"));
        texts.any(|node| node.text() == Some("pre-candidate"))
    };
    assert_eq!((legend(&before), legend(&after)), (false, true));
}

// A diagram contains texts of a trace, which can come from anywhere. No text may break the page
// that contains the diagram.
#[test]
fn texts_are_escaped() {
    let mut records = sample::split(3);
    let text = "</title><script>alert(\"1\" & '2')</script>\u{1}";
    records[0].event = Event::Note {
        text: text.to_owned(),
    };
    records.push(Record {
        at_ns: 500 * MS,
        node: Some(NodeId(2)),
        event: Event::Sent {
            step: 1,
            id: 1_000_000,
            to: NodeId(1),
            kind: "<K>".to_owned(),
            purpose: Purpose::Election,
            message: "& more".to_owned(),
        },
    });
    let options = DiagramOptions {
        title: "<b>".to_owned(),
        id_prefix: "\"><p".to_owned(),
        ..linear()
    };
    let svg = svg(&records, &options);
    let document = Document::parse(&svg).unwrap();
    assert!(
        document
            .descendants()
            .all(|node| !node.has_tag_name("script"))
    );
    let has_text = |text: &str| document.descendants().any(|node| node.text() == Some(text));
    assert!(
        has_text(&format!("n1: {}", text.replace('\u{1}', "\u{fffd}"))),
        "the note itself is drawn"
    );
    assert!(has_text("<b>") && has_text("<K> ×1"));
    assert!(
        document.descendants().any(|node| has(&node, "p-lead")),
        "invalid characters are removed from the prefix"
    );
}

// One page has many diagrams: an id or a class without the prefix would change the look of other
// diagrams.
#[test]
fn every_id_and_class_has_the_prefix() {
    for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
        let options = DiagramOptions {
            id_prefix: "run-7".to_owned(),
            theme,
            ..DiagramOptions::default()
        };
        let svg = svg(&sample::crash(5), &options);
        let document = Document::parse(&svg).unwrap();
        for node in document.descendants() {
            let names = [node.attribute("id"), node.attribute("class")];
            let mut names = names.into_iter().flatten().flat_map(|name| name.split(' '));
            assert!(names.all(|name| name.starts_with("run-7-")), "{node:?}");
        }
        let css = document
            .descendants()
            .find(|node| node.has_tag_name("style"));
        let css = css.and_then(|node| node.text()).unwrap();
        let rules = css
            .lines()
            .filter(|line| line.contains('{') && !line.starts_with("@media"));
        for selector in rules.flat_map(|rule| rule.split('{').next().unwrap().split(',')) {
            assert!(selector.starts_with(".run-7-"), "{selector}");
        }
        for part in svg.split("url(#").skip(1) {
            let id = part.split(')').next();
            let named = |node: &Node<'_, '_>| node.attribute("id") == id;
            assert!(
                document.descendants().any(|node| named(&node)),
                "{id:?} is not defined"
            );
        }
    }
}

// A diagram of a run with thousands of messages must stay small enough to open, so messages are
// omitted. The diagram must say that it is not complete.
#[test]
fn the_diagram_says_what_it_does_not_show() {
    let records = sample::crash(5);
    let options = DiagramOptions {
        max_messages: 9,
        ..linear()
    };
    let capped = svg(&records, &options);
    let document = Document::parse(&capped).unwrap();
    assert_eq!(count(&document, "t-faint"), 0, "elections come first");
    let sent = records_of(&records, |event| matches!(event, Event::Sent { .. }));
    let remark = format!("… {} more messages not drawn", sent - 9);
    assert!(capped.contains(&remark));
    let folded = svg(&records, &DiagramOptions::default());
    assert!(folded.contains("heartbeats and acks that are not drawn"));
    let plain = svg(
        &records,
        &DiagramOptions {
            heartbeats: false,
            ..linear()
        },
    );
    let document = Document::parse(&plain).unwrap();
    assert_eq!(count(&document, "t-faint"), 0);
}

// By default, a diagram shows the interesting window. This window must contain the whole
// disturbance, and not the quiet time around it.
#[test]
fn the_interesting_window_is_from_the_fault_until_the_cluster_has_settled() {
    let (start, end) = interesting_window(&sample::crash(5));
    assert!((362 * MS..412 * MS).contains(&start), "{start}");
    assert!((590 * MS..660 * MS).contains(&end), "{end}");
    let (start, end) = interesting_window(&sample::split(5));
    assert!((250 * MS..300 * MS).contains(&start), "{start}");
    assert!((762 * MS..830 * MS).contains(&end), "{end}");
    let boot: Vec<Record> = sample::split(5)
        .into_iter()
        .take_while(|r| r.at_ns < 290 * MS)
        .collect();
    let (start, end) = interesting_window(&boot);
    assert!(start == 0 && (163 * MS..240 * MS).contains(&end), "{end}");
    assert_eq!(interesting_window(&[]), (0, 0));
}

// A diagram is most useful for the trace of a faulty host. Such a trace may have many nodes, be
// incomplete, be out of order, or have extreme times, and must be drawn, too.
#[test]
fn unusual_traces_are_drawn() {
    let many_nodes = sample::split(100);
    let mut late = sample::crash(3);
    let all = late.len();
    late.drain(..all / 2);
    late.reverse();
    let mut far = sample::crash(3);
    for record in &mut far {
        record.at_ns = record.at_ns.saturating_add(u64::MAX - 500 * MS);
    }
    for records in [
        many_nodes,
        late,
        far,
        Vec::new(),
        sample::crash(3)[..1].to_vec(),
    ] {
        for time in [TimeScale::Linear, TimeScale::Folded] {
            for window in [None, Some(interesting_window(&records)), Some((9, 3))] {
                let options = DiagramOptions {
                    time,
                    window,
                    ..linear()
                };
                let svg = svg(&records, &options);
                assert!(Document::parse(&svg).is_ok());
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }
}
