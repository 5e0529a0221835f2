//! `--check-config` and `--init`.

use std::process::ExitCode;

use elector_core::{Configuration as _, ElectionAlgorithm, Guarantee};
use elector_net::{FileStorage, RecordError, http};

use super::{error::ServeError, setup::NodeSetup};
use crate::output;

/// Checks the settings of TCP and HTTP as far as possible without a start. Only a start can find
/// other faults, such as an address that is in use.
///
/// # Errors
/// The first fault.
pub(super) async fn check<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Result<(), ServeError> {
    setup.tcp().check(setup.members.me()).await?;
    if let Some(address) = &setup.http {
        http::check(address, setup.http_scope).await?;
    }
    Ok(())
}

/// Checks that the node can start with its record.
///
/// # Errors
/// If the node cannot start with its record, or if there is no record.
pub(super) fn check_record<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Result<(), ServeError> {
    FileStorage::check_folder(&setup.data_dir)?;
    let summary = match FileStorage::inspect(&setup.data_dir) {
        // The start creates the record.
        Err(RecordError::Missing { .. }) if setup.joins => return Ok(()),
        summary => summary?,
    };
    // If the members can change, the record decides which nodes are members.
    let nodes = (!A::CHANGES_MEMBERS).then_some(setup.members.nodes());
    Ok(summary.fits(&setup.identity(), nodes)?)
}

/// Checks that there is no record yet, so that one can be created.
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

/// Prints a summary of the settings.
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

/// Prints that the data folder was created.
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
