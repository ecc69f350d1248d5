//! Sections that hold values.

use super::Checkpoint;
use ais_types::{Error, Outcome, ckpt::SectionId};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData};

/// A section that holds one value, as CBOR.
///
/// ```no_run
/// # async fn example(checkpoint: &ais_client::Checkpoint) -> Result<(), ais_client::TypedError> {
/// let state = checkpoint.section::<(u64, String)>("state")?;
/// state.set(&(7, "seven".to_owned())).await?;
/// assert_eq!(state.get().await?, Some((7, "seven".to_owned())));
/// # Ok(())
/// # }
/// ```
pub struct Section<T> {
    checkpoint: Checkpoint,
    id: SectionId,
    holds: PhantomData<fn() -> T>,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    /// The service refused.
    #[error(transparent)]
    Refused(#[from] Error),
    /// What the section holds is not of this type.
    #[error("section {section:?} holds something else: {reason}; who wrote it, and when?")]
    OfOtherType {
        /// Which.
        section: SectionId,
        /// What is wrong with it.
        reason: String,
    },
}

impl<T> Section<T> {
    pub(super) const fn new(checkpoint: Checkpoint, id: SectionId) -> Self {
        Self { checkpoint, id, holds: PhantomData }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &SectionId {
        &self.id
    }

    /// Deletes it. `false`: it was not there.
    ///
    /// # Errors
    /// As [`Checkpoint::delete`].
    pub async fn delete(&self) -> Outcome<bool> {
        self.checkpoint.delete(self.id.clone()).await
    }
}

impl<T: DeserializeOwned> Section<T> {
    /// Its value; `None` if it is not there.
    ///
    /// # Errors
    /// [`TypedError::OfOtherType`], or as [`Checkpoint::get`].
    pub async fn get(&self) -> Result<Option<T>, TypedError> {
        let Some(data) = self.checkpoint.get(self.id.clone()).await? else { return Ok(None) };
        let value = ciborium::from_reader(&*data).map_err(|error| TypedError::OfOtherType {
            section: self.id.clone(),
            reason: error.to_string(),
        })?;
        Ok(Some(value))
    }
}

impl<T: Serialize> Section<T> {
    /// Gives it a value, creating it if it is not there.
    ///
    /// # Errors
    /// As [`Checkpoint::put`].
    pub async fn set(&self, value: &T) -> Result<(), TypedError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).map_err(|error| TypedError::OfOtherType {
            section: self.id.clone(),
            reason: error.to_string(),
        })?;
        Ok(self.checkpoint.put(self.id.clone(), bytes).await?)
    }
}

impl<T> fmt::Debug for Section<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section").field("id", &self.id).finish_non_exhaustive()
    }
}
