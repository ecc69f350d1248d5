//! The counter in its checkpoint: one section of four bytes, in network byte order.

use crate::{Component, Failure};
use ais_client::{Ckpt, Session};
use ais_types::{
    ErrorCode, Name, Outcome, Time, Version,
    ckpt::{Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement, SectionId},
};
use std::cell::Cell;

/// The checkpoint's name.
const CHECKPOINT: &str = "csa103Ckpt";
/// The one section's id.
const SECTION: &str = "1";

/// As the original created it, nanoseconds included.
const ATTRIBUTES: CreationAttributes = CreationAttributes {
    creation_flags: CreationFlags(
        CreationFlags::WR_ACTIVE_REPLICA_WEAK.0 | CreationFlags::COLLOCATED.0,
    ),
    checkpoint_size: 4,
    retention_duration: Time(10),
    max_sections: 2,
    max_section_size: 4,
    max_section_id_size: 64,
};

pub(crate) struct Counter<'a> {
    component: &'a Component,
    ckpt: Ckpt<Session>,
    checkpoint: u64,
    initial: u32,
    synchronizations: Cell<u64>,
}

impl<'a> Counter<'a> {
    /// Opens the checkpoint; whichever component comes first creates it and its section.
    pub(crate) fn open(component: &'a Component) -> Result<Self, Failure> {
        let (name, log) = (&component.name, &component.log);
        log.info(format!("{name}: checkpoint_initialize"));
        let callbacks = Callbacks { open: true, synchronize: true, track: false };
        let ckpt = Ckpt::<Session>::initialize(
            &component.endpoint,
            Version::b(1, 1),
            callbacks,
            "csa103",
        )?;
        log.info(format!("{name}: Checkpoint service initialized (handle=0x1)"));
        let flags = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE;
        let checkpoint_name = Name::new(CHECKPOINT).expect("it is short enough");
        let checkpoint = ckpt.open(checkpoint_name, ATTRIBUTES, flags, Time::END)?;
        log.info(format!("{name}: Checkpoint opened (handle=0x{checkpoint:x})"));
        let mut counter =
            Self { component, ckpt, checkpoint, initial: 0, synchronizations: Cell::new(0) };
        counter.create_section()?;
        Ok(counter)
    }

    fn create_section(&mut self) -> Result<(), Failure> {
        self.ckpt.active_replica_set(self.checkpoint)?;
        let zero = 0_u32.to_be_bytes().to_vec();
        match self.ckpt.section_create(self.checkpoint, section(), Time::END, zero) {
            Ok(_) => {
                let name = &self.component.name;
                self.component.log.info(format!("{name}: Section created"));
            }
            Err(error) if error.code == ErrorCode::Exist => {
                self.initial = self.read().unwrap_or_default();
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The number found at the start.
    pub(crate) fn initial(&self) -> u32 {
        self.initial
    }

    pub(crate) fn ckpt(&self) -> &Ckpt<Session> {
        &self.ckpt
    }

    /// Makes the replica of this node the active one.
    pub(crate) fn become_active(&self) {
        if let Err(error) = self.ckpt.active_replica_set(self.checkpoint) {
            self.component.log.error(format!("cannot set the active replica: {error}"));
        }
    }

    /// The number in the checkpoint.
    pub(crate) fn read(&self) -> Option<u32> {
        let wanted = ReadElement { section: section(), offset: 0, size: Some(4) };
        match self.ckpt.read(self.checkpoint, vec![wanted]) {
            Ok(found) => {
                // A shorter section leaves what the buffer was preset to.
                let mut buffer = [0xff; 4];
                let bytes = found.first().map_or(&[][..], |it| it);
                buffer[..bytes.len()].copy_from_slice(bytes);
                Some(u32::from_be_bytes(buffer))
            }
            Err(error) => {
                let (code, index) = (error.code.number(), error.index.unwrap_or_default());
                let text = format!("Error: [0x{code:x}] from checkpoint read, err_idx = {index}");
                self.component.log.error(text);
                None
            }
        }
    }

    /// Saves the number and asks that every replica has it soon.
    pub(crate) fn save(&self, seq: u32) {
        if let Err(error) = self.overwrite(seq) {
            self.component.log.error(format!("cannot save seq {seq}: {error}"));
            return;
        }
        let invocation = self.synchronizations.replace(self.synchronizations.get() + 1);
        if let Err(error) = self.ckpt.synchronize_async(self.checkpoint, invocation) {
            self.component.log.error(format!("cannot synchronize: {error}"));
        }
    }

    fn overwrite(&self, seq: u32) -> Outcome<()> {
        let data = seq.to_be_bytes().to_vec();
        match self.ckpt.overwrite(self.checkpoint, section(), data.clone()) {
            // The node with the active replica is gone: ours takes over.
            Err(error) if error.code == ErrorCode::NotExist => {
                self.ckpt.active_replica_set(self.checkpoint)?;
                self.ckpt.overwrite(self.checkpoint, section(), data)
            }
            done => done,
        }
    }

    /// Gives everything back.
    pub(crate) fn close(&self) {
        let (log, checkpoint) = (&self.component.log, self.checkpoint);
        if let Err(error) = self.ckpt.close(checkpoint) {
            let code = error.code.number();
            log.error(format!("failed: [0x{code:x}] to close checkpoint handle 0x{checkpoint:x}"));
        }
        if let Err(error) = self.ckpt.finalize() {
            log.error(format!("failed: [0x{:x}] to finalize checkpoint", error.code.number()));
        }
    }
}

fn section() -> SectionId {
    SectionId::new(SECTION).expect("it is short enough")
}
