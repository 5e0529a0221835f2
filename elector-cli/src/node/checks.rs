//! `--check-config`, `--init`, and both together.

use std::{process::ExitCode, time::Duration};

use elector_core::{Configuration as _, ElectionAlgorithm, Guarantee};
use elector_net::{FileStorage, RecordError, http};
use tokio::runtime;

use super::{
    error::ServeError,
    plan::Plan,
    serve::{identity, tcp},
};
use crate::output;

/// Checks all that would keep the node from starting, except what only happens then: an address
/// that is taken, a disk that fails.
///
/// # Errors
/// The first reason.
pub(super) fn check<A: ElectionAlgorithm>(plan: &Plan<A>) -> Result<(), ServeError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| ServeError::System {
        what: "the runtime cannot be started",
        source,
    })?;
    let done = runtime.block_on(async {
        tcp(plan).check(plan.members.me()).await?;
        if let Some(address) = &plan.http {
            http::check(address, plan.http_beyond_loopback).await?;
        }
        Ok(())
    });
    // A name server may not answer: nothing waits for the thread that asks it.
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

/// Checks that the node can start from its record.
///
/// # Errors
/// If it cannot, or if it has no record.
pub(super) fn check_record<A: ElectionAlgorithm>(plan: &Plan<A>) -> Result<(), ServeError> {
    FileStorage::check_folder(&plan.data_dir)?;
    let summary = FileStorage::inspect(&plan.data_dir)?;
    Ok(summary.fits(&identity(plan), plan.members.nodes())?)
}

/// Checks that a record can be made.
///
/// # Errors
/// If there is one.
pub(super) fn check_no_record<A: ElectionAlgorithm>(plan: &Plan<A>) -> Result<(), ServeError> {
    match FileStorage::inspect(&plan.data_dir) {
        Err(RecordError::Missing { .. }) => Ok(()),
        _ => Err(RecordError::Exists {
            folder: plan.data_dir.clone(),
        }
        .into()),
    }
}

pub(super) fn checked<A: ElectionAlgorithm>(plan: &Plan<A>) -> Result<ExitCode, ServeError> {
    let timing = serde_json::to_string(plan.config.timing())?;
    let detection = plan.detection;
    let record = match FileStorage::inspect(&plan.data_dir) {
        Ok(summary) => summary.to_string(),
        Err(_) => "to be made by --init".to_owned(),
    };
    output::print(&format!(
        "The settings can be used.\n\
         node       {} of {:?}, cluster \"{}\"\n\
         algorithm  {}, {}\n\
         timing     {timing}\n\
         detection  ping every {:?}, hint after {:?} to {:?} of silence\n\
         TLS        {}\n\
         data       {}: {record}\n",
        plan.members.me(),
        plan.members.nodes(),
        plan.name,
        A::NAME,
        A::Guarantee::KIND,
        detection.ping,
        detection.floor,
        detection.ceiling,
        if plan.tls.is_some() { "on" } else { "off" },
        plan.data_dir.display(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn formatted<A: ElectionAlgorithm>(plan: &Plan<A>) -> Result<ExitCode, ServeError> {
    output::print(&format!(
        "{} is the folder of node {} of the cluster \"{}\" from now on. Start the node by the same \
         command without --init.\n",
        plan.data_dir.display(),
        plan.members.me(),
        plan.name,
    ))?;
    Ok(ExitCode::SUCCESS)
}
