//! Checkpoints as a Rust program likes them: opened by a builder, with methods of their own, typed
//! sections, and a stream of changes. Over the calls of [`Ckpt`], on an [`AsyncSession`].

mod feed;
mod typed;

pub use feed::{Event, Feed};
pub use typed::{Section, TypedError};

use crate::{AsyncSession, Ckpt};
use ais_types::{
    Error, ErrorCode, Name, Outcome, Payload, Position, Time,
    ckpt::{
        Changes, CheckpointDescriptor, CreationAttributes, CreationFlags, OpenFlags, ReadElement,
        Scanned, SectionId, WriteElement,
    },
};
use std::{sync::Arc, time::Duration};

/// How a checkpoint is opened, and created if it is not there. Begins with [`Ckpt::checkpoint`].
///
/// Without further words: open to read and to write, created if it is not there, synchronous
/// (`WR_ALL_REPLICAS`), placed by the service, with up to 1024 sections of up to 64 KiB whose ids
/// have up to 255 octets; it goes with its last close.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `open`"]
pub struct Opening {
    ckpt: Arc<Ckpt<AsyncSession>>,
    name: Outcome<Name>,
    attributes: CreationAttributes,
    size: Option<u64>,
    flags: OpenFlags,
    timeout: Time,
}

impl Ckpt<AsyncSession> {
    /// Opens a checkpoint, step by step:
    ///
    /// ```no_run
    /// # async fn example(ckpt: std::sync::Arc<ais_client::Ckpt<ais_client::AsyncSession>>)
    /// # -> ais_types::Outcome<()> {
    /// let counter = ckpt.checkpoint("safCkpt=counter").sections(8).open().await?;
    /// counter.put("runs", "1").await?;
    /// assert_eq!(counter.get("runs").await?.as_deref(), Some(&b"1"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn checkpoint(self: &Arc<Self>, name: &str) -> Opening {
        let attributes = CreationAttributes {
            creation_flags: CreationFlags::WR_ALL_REPLICAS,
            checkpoint_size: 0,
            retention_duration: Time::BEGIN,
            max_sections: 1024,
            max_section_size: 64 << 10,
            max_section_id_size: 255,
        };
        let name = Name::new(name)
            .map_err(|error| Error::new(ErrorCode::InvalidParam, format!("{name:?}: {error}")));
        Opening {
            ckpt: Arc::clone(self),
            name,
            attributes,
            size: None,
            flags: OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE,
            timeout: Time(10 * Time::ONE_SECOND.0),
        }
    }
}

impl Opening {
    /// Replicas are where programs have it open, and the programs choose the active one
    /// ([`Checkpoint::activate`]) if it is asynchronous.
    pub fn collocated(mut self) -> Self {
        self.attributes.creation_flags = self.attributes.creation_flags | CreationFlags::COLLOCATED;
        self
    }

    /// A change is done when the active replica has it; [`Checkpoint::synchronize`] waits for all.
    pub fn asynchronous(mut self) -> Self {
        let collocated = self.attributes.creation_flags.0 & CreationFlags::COLLOCATED.0;
        self.attributes.creation_flags =
            CreationFlags(CreationFlags::WR_ACTIVE_REPLICA.0 | collocated);
        self
    }

    /// Up to so many sections; with 1 there is the default section and no other.
    pub const fn sections(mut self, most: u32) -> Self {
        self.attributes.max_sections = most;
        self
    }

    /// Up to so many bytes in a section.
    pub const fn section_size(mut self, bytes: u64) -> Self {
        self.attributes.max_section_size = bytes;
        self
    }

    /// Up to so many octets in the id of a section.
    pub const fn id_size(mut self, octets: u64) -> Self {
        self.attributes.max_section_id_size = octets;
        self
    }

    /// Up to so many bytes in all sections; without this, as many as fit into them.
    pub const fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Kept for so long when nobody has it open.
    pub fn kept(mut self, retention: Duration) -> Self {
        self.attributes.retention_duration = Time::from(retention);
        self
    }

    /// Kept until it is unlinked.
    pub const fn kept_for_ever(mut self) -> Self {
        self.attributes.retention_duration = Time::END;
        self
    }

    /// Only what is there is opened, whatever it was created with.
    pub fn existing(mut self) -> Self {
        self.flags = OpenFlags(self.flags.0 & !OpenFlags::CREATE.0);
        self
    }

    /// Only to read.
    pub fn read_only(mut self) -> Self {
        self.flags = OpenFlags(self.flags.0 & !OpenFlags::WRITE.0);
        self
    }

    /// Gives up after this; without it, after 10 s.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Time::from(timeout);
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// INVALID_PARAM, NOT_EXIST (only what is there), EXIST (with other attributes), NO_RESOURCES,
    /// TIMEOUT.
    pub async fn open(self) -> Outcome<Checkpoint> {
        let CreationAttributes { max_sections, max_section_size, .. } = self.attributes;
        let fits = u64::from(max_sections).saturating_mul(max_section_size);
        let checkpoint_size = self.size.unwrap_or(fits);
        let attributes = CreationAttributes { checkpoint_size, ..self.attributes };
        let attributes = self.flags.has(OpenFlags::CREATE).then_some(attributes);
        let name = self.name?;
        let handle = self.ckpt.open(name.clone(), attributes, self.flags, self.timeout).await?;
        Ok(Checkpoint { ckpt: self.ckpt, name, handle })
    }
}

/// An open checkpoint. It is closed by [`close`](Self::close), or with its session.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    ckpt: Arc<Ckpt<AsyncSession>>,
    name: Name,
    handle: u64,
}

/// The id of a section, from text or octets.
pub trait IntoSectionId {
    /// The id.
    ///
    /// # Errors
    /// INVALID_PARAM beyond 65535 octets.
    fn into_section_id(self) -> Outcome<SectionId>;
}

impl IntoSectionId for SectionId {
    fn into_section_id(self) -> Outcome<SectionId> {
        Ok(self)
    }
}

impl<T: AsRef<[u8]> + ?Sized> IntoSectionId for &T {
    fn into_section_id(self) -> Outcome<SectionId> {
        SectionId::new(self).map_err(|it| Error::new(ErrorCode::InvalidParam, it.to_string()))
    }
}

impl Checkpoint {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Its number, for the calls of [`Ckpt`].
    #[must_use]
    pub const fn handle(&self) -> u64 {
        self.handle
    }

    /// The service's handle.
    #[must_use]
    pub const fn service(&self) -> &Arc<Ckpt<AsyncSession>> {
        &self.ckpt
    }

    /// Attributes and use.
    ///
    /// # Errors
    /// As [`Ckpt::status`].
    pub async fn status(&self) -> Outcome<CheckpointDescriptor> {
        self.ckpt.status(self.handle).await
    }

    /// The content of a section; `None` if it is not there.
    ///
    /// # Errors
    /// As [`Ckpt::read`], but for a section that is not there.
    pub async fn get(&self, section: impl IntoSectionId) -> Outcome<Option<Payload>> {
        let element = ReadElement { section: section.into_section_id()?, offset: 0, size: None };
        match self.ckpt.read(self.handle, vec![element]).await {
            Ok(mut data) => Ok(data.pop()),
            // Without an index it is the active replica that is not there.
            Err(Error { code: ErrorCode::NotExist, index: Some(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a section this content, creating it if it is not there.
    ///
    /// # Errors
    /// As [`Ckpt::overwrite`] and [`Ckpt::section_create`].
    pub async fn put(&self, section: impl IntoSectionId, data: impl Into<Payload>) -> Outcome<()> {
        let (section, data) = (section.into_section_id()?, data.into());
        loop {
            match self.ckpt.overwrite(self.handle, section.clone(), data.clone()).await {
                Err(error) if error.code == ErrorCode::NotExist => {}
                other => return other,
            }
            match self.create(section.clone(), data.clone()).await {
                // Somebody was faster; it may be gone again.
                Err(error) if error.code == ErrorCode::Exist => {}
                other => return other.map(|_| ()),
            }
        }
    }

    /// Creates a section that never goes by itself.
    ///
    /// # Errors
    /// As [`Ckpt::section_create`].
    pub async fn create(
        &self,
        section: impl IntoSectionId,
        data: impl Into<Payload>,
    ) -> Outcome<SectionId> {
        let section = section.into_section_id()?;
        self.ckpt.section_create(self.handle, section, Time::END, data).await
    }

    /// Deletes a section. `false`: it was not there.
    ///
    /// # Errors
    /// As [`Ckpt::section_delete`], but for a section that is not there.
    pub async fn delete(&self, section: impl IntoSectionId) -> Outcome<bool> {
        match self.ckpt.section_delete(self.handle, section.into_section_id()?).await {
            Ok(()) => Ok(true),
            Err(error) if error.code == ErrorCode::NotExist => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes into sections, all or nothing.
    ///
    /// # Errors
    /// As [`Ckpt::write`].
    pub async fn write(&self, elements: Vec<WriteElement>) -> Outcome<()> {
        self.ckpt.write(self.handle, elements).await
    }

    /// Reads out of sections, all at one point.
    ///
    /// # Errors
    /// As [`Ckpt::read`].
    pub async fn read(&self, elements: Vec<ReadElement>) -> Outcome<Vec<Payload>> {
        self.ckpt.read(self.handle, elements).await
    }

    /// Makes this node's replica the active one: collocated and asynchronous checkpoints.
    ///
    /// # Errors
    /// As [`Ckpt::active_replica_set`].
    pub async fn activate(&self) -> Outcome<()> {
        self.ckpt.active_replica_set(self.handle).await
    }

    /// Waits until every replica has what the active one has: asynchronous checkpoints.
    ///
    /// # Errors
    /// As [`Ckpt::synchronize`].
    pub async fn synchronize(&self) -> Outcome<()> {
        self.ckpt.synchronize(self.handle, Time::END).await
    }

    /// A section that holds a value of this type.
    ///
    /// # Errors
    /// INVALID_PARAM beyond 65535 octets.
    pub fn section<T>(&self, section: impl IntoSectionId) -> Outcome<Section<T>> {
        Ok(Section::new(self.clone(), section.into_section_id()?))
    }

    /// What the checkpoint holds, and what is changed from then on.
    #[must_use]
    pub fn follow(&self) -> Feed {
        Feed::new(self.clone(), None)
    }

    /// What was changed after a position that a feed has told before; with everything anew, if
    /// that position is not known any more.
    #[must_use]
    pub fn follow_from(&self, position: Position) -> Feed {
        Feed::new(self.clone(), Some(position))
    }

    async fn scan(&self, after: Option<SectionId>) -> Outcome<Scanned> {
        self.ckpt.scan(self.handle, after).await
    }

    async fn changes(&self, after: Option<Position>, timeout: Time) -> Outcome<Changes> {
        self.ckpt.changes(self.handle, after, timeout).await
    }

    /// Gives it back.
    ///
    /// # Errors
    /// BAD_HANDLE when it was closed before.
    pub async fn close(self) -> Outcome<()> {
        self.ckpt.close(self.handle).await
    }
}
