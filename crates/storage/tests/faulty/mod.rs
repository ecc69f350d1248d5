//! A disk in memory that fails on demand: its power goes, it is full, it does not sync.

use ais_storage::{DiskStorage, StorageError, Subject, disk::StorageBackend};
use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

const BLOCK: u64 = 4096;
const SECTOR: usize = 512;

/// A disk with one file. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What is there after a loss of power, at least.
    synced: Vec<u8>,
    /// What the system shows.
    pub(crate) shown: Vec<u8>,
    /// What was done since the last sync.
    pending: Vec<Change>,
    /// Blocks that have been written: a longer file takes no room by that alone.
    taken: BTreeSet<u64>,
    /// How many blocks there may be.
    blocks_max: Option<usize>,
    /// After so many operations power fails.
    fuse: Option<(u64, fastrand::Rng)>,
    /// Syncs fail.
    pub(crate) broken: bool,
    /// The power is off for handles of older numbers.
    life: u64,
}

#[derive(Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl Disk {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Opens the store on it, with the power on.
    pub(crate) async fn store(&self) -> Result<DiskStorage, StorageError> {
        self.state().fuse = None;
        self.start().await
    }

    /// Opens the store on it, whatever happens to the power.
    pub(crate) async fn start(&self) -> Result<DiskStorage, StorageError> {
        let disk = self.clone();
        DiskStorage::on("faulty", move || {
            Ok(Handle { life: disk.state().life, disk: disk.clone() })
        })
        .await
    }
}

#[async_trait]
impl Subject for Disk {
    type Store = DiskStorage;

    async fn open(&mut self) -> DiskStorage {
        self.store().await.unwrap()
    }

    fn power_fails(&mut self, seed: u64) -> bool {
        let mut rng = fastrand::Rng::with_seed(seed);
        let operations = rng.u64(1..150);
        self.state().fuse = Some((operations, rng));
        true
    }

    fn room(&mut self, bytes: Option<u64>) -> bool {
        let mut state = self.state();
        state.blocks_max = bytes.map(|bytes| state.taken.len() + (bytes / BLOCK) as usize);
        true
    }
}

impl State {
    /// Before each operation: whether there is power.
    fn tick(&mut self, life: u64) -> io::Result<()> {
        if let Some((left, _)) = &mut self.fuse {
            *left = left.saturating_sub(1);
            if *left == 0 {
                let (_, rng) = self.fuse.take().unwrap();
                self.lose_power(rng);
            }
        }
        if life == self.life { Ok(()) } else { Err(io::Error::other("the power is off")) }
    }

    /// Of what was not synced some is there, in whatever order the disk liked.
    fn lose_power(&mut self, mut rng: fastrand::Rng) {
        let often = rng.f64();
        for change in std::mem::take(&mut self.pending) {
            if rng.f64() < often {
                match change {
                    Change::Length(length) => self.synced.resize(length as usize, 0),
                    Change::Write(offset, bytes) => {
                        tear(&mut self.synced, offset, &bytes, &mut rng)
                    }
                }
            }
        }
        self.shown = self.synced.clone();
        self.life += 1;
    }

    fn take_room(&mut self, offset: u64, length: usize) -> io::Result<()> {
        let blocks = offset / BLOCK..(offset + length as u64).div_ceil(BLOCK);
        let more: Vec<u64> = blocks.filter(|it| !self.taken.contains(it)).collect();
        if self.blocks_max.is_some_and(|max| self.taken.len() + more.len() > max) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.taken.extend(more);
        Ok(())
    }
}

/// Writes some of the sectors.
fn tear(file: &mut Vec<u8>, offset: u64, bytes: &[u8], rng: &mut fastrand::Rng) {
    let offset = offset as usize;
    let whole = rng.bool();
    for (at, sector) in bytes.chunks(SECTOR).enumerate() {
        let start = offset + at * SECTOR;
        if whole || rng.bool() {
            let end = start + sector.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[start..end].copy_from_slice(sector);
        }
    }
}

#[derive(Debug)]
struct Handle {
    disk: Disk,
    life: u64,
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().shown.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.tick(self.life)?;
        let from = state.shown.get(offset as usize..).unwrap_or_default();
        out.copy_from_slice(from.get(..out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.tick(self.life)?;
        state.shown.resize(length as usize, 0);
        state.taken.retain(|block| block * BLOCK < length);
        state.pending.push(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.tick(self.life)?;
        if state.broken {
            return Err(io::Error::other("the disk does not answer"));
        }
        state.synced = state.shown.clone();
        state.pending.clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.tick(self.life)?;
        state.take_room(offset, bytes.len())?;
        let start = offset as usize;
        state.shown[start..start + bytes.len()].copy_from_slice(bytes);
        state.pending.push(Change::Write(offset, bytes.to_vec()));
        Ok(())
    }
}
