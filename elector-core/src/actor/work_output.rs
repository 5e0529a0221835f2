use std::convert::Infallible;

use super::transport::BoxError;

/// What the work of a leader may return: `()`, or a `Result<(), E>` with any error `E` that becomes
/// a [`BoxError`] (`std::io::Error`, `anyhow::Error`, `Box<dyn Error + Send + Sync>`, your own
/// error type). Work that never returns may have the output [`Infallible`].
///
/// # How to write work
///
/// The work can be a function, with any error type:
///
/// ```
/// # use elector_core::{Quorum, actor::{Elector, LeadError, Leadership}};
/// async fn work(me: Leadership<Quorum>) -> std::io::Result<()> {
///     std::fs::write("/run/leader", me.epoch().to_string())?;
///     me.lost().await;
///     Ok(())
/// }
/// # async fn run(elector: Elector<Quorum>) -> Result<(), LeadError> {
/// elector.lead(work).await
/// # }
/// ```
///
/// The work can be an `async` closure. A closure that uses `?` must name its error, because any
/// error is allowed; otherwise Rust reports `type annotations needed`. The closure borrows what it
/// uses, so write it without `move`:
///
/// ```
/// # use elector_core::{Quorum, actor::{BoxError, Elector, LeadError}};
/// # async fn run(elector: Elector<Quorum>, table: String) -> Result<(), LeadError> {
/// elector
///     .lead(async |me| -> Result<(), BoxError> {
///         loop {
///             println!("writing to {table} under token {}", me.token()?);
///             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///         }
///     })
///     .await
/// # }
/// ```
///
/// A closure without `?` needs no type, unless it never returns (`async |me| -> Infallible { loop {
/// .. } }`):
///
/// ```
/// # use elector_core::{Quorum, actor::{Elector, LeadError}};
/// # async fn run(elector: Elector<Quorum>) -> Result<(), LeadError> {
/// elector.lead(async |me| me.lost().await).await
/// # }
/// ```
///
/// A closure that gives each run its own value, for example a clone or a number, returns an `async
/// move` block. That block names the error at its end: `Ok::<_, BoxError>(())`.
#[diagnostic::on_unimplemented(
    message = "the work of a leader cannot return `{Self}`",
    note = "it may return `()`, or `Result<(), E>` with any error that `Box<dyn Error + Send + \
            Sync>` can be made from",
    note = "if it uses `?`, name its error: `async |me| -> Result<(), BoxError> {{ .. }}`",
    note = "if it never returns: `async |me| -> Infallible {{ loop {{ .. }} }}`"
)]
pub trait WorkOutput {
    /// Returns the result of the work.
    ///
    /// # Errors
    /// The error of work that failed.
    fn into_result(self) -> Result<(), BoxError>;
}

impl WorkOutput for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl WorkOutput for Infallible {
    fn into_result(self) -> Result<(), BoxError> {
        match self {}
    }
}

/// The value in the `Result` may itself be a [`WorkOutput`]. For example, the work may return the
/// result of a task, which is a `Result<Result<(), E>, JoinError>`.
impl<T: WorkOutput, E: Into<BoxError>> WorkOutput for Result<T, E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)?.into_result()
    }
}
