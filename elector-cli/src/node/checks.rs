//! What the flags `--check-config` and `--init` check and print.

use std::process::ExitCode;

use elector_core::{Configuration as _, ElectionAlgorithm, Guarantee};
use elector_net::{FileStorage, RecordError, http};

use super::{error::ServeError, setup::NodeSetup};
use crate::output;

/// Checks the settings of TCP and HTTP as far as possible while the node is not started. Some
/// faults, such as an address that is in use, are found only when the node is started.
///
/// # Errors
/// The first fault that is found.
pub(super) async fn check<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Result<(), ServeError> {
    setup.tcp().check(setup.members.me()).await?;
    if let Some(address) = &setup.http {
        http::check(address, setup.http_scope).await?;
    }
    Ok(())
}

/// Checks that the node can start with its record, which is the durable state in its data folder.
///
/// # Errors
/// If the node cannot start with its record, or if there is no record. A node that joins a running
/// cluster may have no record.
pub(super) fn check_record<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Result<(), ServeError> {
    FileStorage::check_folder(&setup.data_dir)?;
    let summary = match FileStorage::inspect(&setup.data_dir) {
        // A node that joins a running cluster creates its record when it is started.
        Err(RecordError::Missing { .. }) if setup.joins => return Ok(()),
        summary => summary?,
    };
    // If the members can change, the record decides which nodes are members, and not the settings.
    let nodes = (!A::CHANGES_MEMBERS).then_some(setup.members.nodes());
    Ok(summary.fits(&setup.identity(), nodes)?)
}

/// Checks that the data folder has no record, which is the durable state of a node, so that
/// `--init` can create one.
///
/// # Errors
/// If there is a record, or if other users can write in the folder.
pub(super) fn check_no_record<A: ElectionAlgorithm>(
    setup: &NodeSetup<A>,
) -> Result<(), ServeError> {
    match FileStorage::inspect(&setup.data_dir) {
        Err(RecordError::Missing { .. }) => Ok(FileStorage::check_folder(&setup.data_dir)?),
        _ => Err(RecordError::Exists {
            folder: setup.data_dir.clone(),
        }
        .into()),
    }
}

/// Prints a summary of the settings, after `--check-config` has found no fault.
pub(super) fn print_summary<A: ElectionAlgorithm>(
    setup: &NodeSetup<A>,
) -> Result<ExitCode, ServeError> {
    let timing = serde_json::to_string(setup.config.timing()).map_err(ServeError::Json)?;
    let detection = setup.detection;
    let record = match FileStorage::inspect(&setup.data_dir) {
        Ok(summary) => summary.to_string(),
        Err(_) if setup.joins => "will be created by the first start".to_owned(),
        Err(_) => "will be created by --init".to_owned(),
    };
    output::print(&format!(
        "The settings are valid.\n\
         node       {} of {:?}, cluster \"{}\"\n\
         algorithm  {}, {}\n\
         timing     {timing}\n\
         detection  ping every {:?}, silence reported after {:?} to {:?}\n\
         TLS        {}\n\
         data       {}: {record}\n",
        setup.members.me(),
        setup.members.nodes(),
        setup.name,
        A::NAME,
        A::Guarantee::KIND,
        detection.ping,
        detection.floor,
        detection.ceiling,
        if setup.tls.is_some() { "on" } else { "off" },
        setup.data_dir.display(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints that `--init` has created the data folder.
pub(super) fn print_formatted<A: ElectionAlgorithm>(
    setup: &NodeSetup<A>,
) -> Result<ExitCode, ServeError> {
    output::print(&format!(
        "Created the data folder {} of node {} of the cluster \"{}\". Start the node with the same \
         command, without --init.\n",
        setup.data_dir.display(),
        setup.members.me(),
        setup.name,
    ))?;
    Ok(ExitCode::SUCCESS)
}
