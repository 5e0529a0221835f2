use std::{sync::Arc, time::Duration};

use elector_core::{ElectionAlgorithm, actor};
use tokio::time::sleep;

use super::News;
use crate::{link::Link, station::Station};

/// How often it is looked for something to log. To write of an outage when it begins would take a
/// processor from the election that it causes.
const LOOK: Duration = Duration::from_millis(200);

/// Logs outages of peers and their ends, until the node stops.
pub(crate) async fn report<A: ElectionAlgorithm>(station: Arc<Station<A>>) {
    loop {
        sleep(LOOK).await;
        if station.links.is_leaving() {
            return;
        }
        let now = actor::now().nanos();
        for link in &station.links.of {
            for news in link.news(now) {
                log(&station, link, news);
            }
        }
    }
}

fn log<A: ElectionAlgorithm>(station: &Station<A>, link: &Link, news: News) {
    let (node, peer, address) = (station.me(), link.node, &link.address);
    match news {
        News::Away(reason) => {
            tracing::warn!(node = node.0, %peer, %address, %reason, "this peer is unreachable");
        }
        News::Back { away, is_first } => {
            let away = Duration::from_millis(u64::try_from(away.as_millis()).unwrap_or(u64::MAX));
            let again = if is_first { "" } else { " again" };
            tracing::info!(node = node.0, %peer, %address, ?away, "this peer is reachable{again}");
        }
    }
}
