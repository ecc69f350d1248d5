//! The heavy case of the field: large checkpoints, a writer to each at full speed, and a standby on
//! another node that opens all of them, reads them whole, and follows them.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use super::{
    echo::bytes,
    measure::{Sample, runtime},
    site::Site,
};
use crate::Failure;
use ais_client::{AsyncSession, Checkpoint, Ckpt, Endpoint, Event, Feed};
use ais_types::{
    Error, Outcome, Version,
    ckpt::{Callbacks, Change, ReadElement, SectionId},
};
use futures::future::try_join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::time::timeout;

const CHECKPOINTS: usize = 5;
const SECTIONS: u32 = 40_000;
const SIZE: usize = 1024;
/// Elements of one read.
const VECTOR: usize = 1000;
/// How many calls fill a checkpoint at a time.
const LANES: u32 = 16;
/// A standby that is told of a change so soon has caught up.
const CURRENT: Duration = Duration::from_millis(10);
/// For how long what it is told then is measured.
const FOLLOWED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn measure(site: &Site, tell: &mut impl FnMut(Sample)) -> Result<(), Failure> {
    if site.hosts() < 2 {
        return Err(Failure::Usage("the field case needs two nodes: say --nodes 3".to_owned()));
    }
    let (active, standby) = (site.here(), site.cluster.endpoint("n2"));
    let epoch = Instant::now();
    let writing = runtime()?;
    let written = writing.block_on(open_all(&active))?;
    let begun = Instant::now();
    writing.block_on(fill(&written))?;
    tell(once("fill them", begun));
    let stop = Arc::new(AtomicBool::new(false));
    let (told, wrote) = (Arc::clone(&stop), Instant::now());
    let writers = thread::spawn(move || writing.block_on(write_all(&written, epoch, &told)));
    let followed = runtime()?.block_on(stand_by(&standby, epoch, tell));
    stop.store(true, Ordering::Relaxed);
    let each = writers.join().map_err(|_| Failure::Usage("a writer panicked".to_owned()))??;
    tell(Sample::of(label("overwrite meanwhile"), each, wrote.elapsed()));
    followed
}

fn once(what: &str, since: Instant) -> Sample {
    let took = since.elapsed();
    Sample::of(label(what), vec![took], took)
}

fn label(what: &str) -> String {
    format!("field {CHECKPOINTS} x {SECTIONS} x {}: {what}", bytes(SIZE))
}

async fn open_all(at: &Endpoint) -> Outcome<Vec<Checkpoint>> {
    let none = Callbacks::default();
    let ckpt = Ckpt::<AsyncSession>::initialize(at, Version::b(2, 2), none, "ais bench").await?;
    let ckpt = Arc::new(ckpt);
    let open = |number| {
        let name = format!("safCkpt=field{number}");
        let opening = ckpt.checkpoint(&name).collocated().sections(SECTIONS + 1);
        opening.section_size(SIZE as u64).id_size(8).within(PATIENCE).open()
    };
    try_join_all((0..CHECKPOINTS).map(open)).await
}

fn id(number: u32) -> SectionId {
    SectionId::new(number.to_be_bytes()).expect("it is short")
}

async fn fill(all: &[Checkpoint]) -> Outcome<()> {
    let lane = async |checkpoint: &Checkpoint, lane: u32| {
        for number in (lane..SECTIONS).step_by(LANES as usize) {
            checkpoint.create(id(number), vec![0; SIZE]).await?;
        }
        Ok(())
    };
    let lanes = all.iter().flat_map(|it| (0..LANES).map(move |number| (it, number)));
    try_join_all(lanes.map(|(it, number)| lane(it, number))).await.map(drop)
}

/// Each overwrites one section after the other, with the time in it.
async fn write_all(
    all: &[Checkpoint],
    epoch: Instant,
    stop: &AtomicBool,
) -> Result<Vec<Duration>, Failure> {
    let write = async |checkpoint: &Checkpoint| {
        let mut each = Vec::new();
        for number in (0..SECTIONS).cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let begun = epoch.elapsed();
            let mut data = vec![7; SIZE];
            data[..8].copy_from_slice(&(begun.as_nanos() as u64).to_be_bytes());
            checkpoint.put(id(number), data).await?;
            each.push(epoch.elapsed() - begun);
        }
        Ok::<_, Error>(each)
    };
    Ok(try_join_all(all.iter().map(write)).await?.into_iter().flatten().collect())
}

async fn stand_by(
    at: &Endpoint,
    epoch: Instant,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let all = open_all(at).await?;
    tell(once("open all", begun));
    let mut reads = Vec::new();
    for checkpoint in &all {
        for first in (0..SECTIONS).step_by(VECTOR) {
            let element = |number| ReadElement { section: id(number), offset: 0, size: None };
            let before = Instant::now();
            checkpoint.read((first..first + VECTOR as u32).map(element).collect()).await?;
            reads.push(before.elapsed());
        }
    }
    tell(once("open all and read them whole", begun));
    let whole = reads.iter().sum();
    tell(Sample::of(label(&format!("read of {VECTOR} elements")), reads, whole));
    let followed = try_join_all(all.iter().map(|it| follow(it.follow(), epoch))).await?;
    let caught_up = followed.iter().map(|it| it.caught_up).max().unwrap_or(begun);
    tell(Sample::of(label("until it has caught up"), vec![caught_up - begun], caught_up - begun));
    let lags = followed.into_iter().flat_map(|it| it.lags).collect();
    tell(Sample::of(label("lag of the standby from then on"), lags, FOLLOWED));
    Ok(())
}

/// What became of following a checkpoint.
struct Followed {
    /// When everything from before was told, and then a change as new as [`CURRENT`].
    caught_up: Instant,
    /// How old each change was from then on when it was told.
    lags: Vec<Duration>,
}

async fn follow(mut feed: Feed, epoch: Instant) -> Outcome<Followed> {
    let (begun, mut lags) = (Instant::now(), Vec::<Duration>::new());
    // One that never catches up shows in what follows.
    while lags.last().is_none_or(|it| *it > CURRENT) && begun.elapsed() < PATIENCE {
        lags = ages(feed.next().await?, epoch);
    }
    let caught_up = Instant::now();
    let until = caught_up + FOLLOWED;
    lags.clear();
    while let left = until.saturating_duration_since(Instant::now())
        && !left.is_zero()
        && let Ok(event) = timeout(left, feed.next()).await
    {
        lags.extend(ages(event?, epoch));
    }
    Ok(Followed { caught_up, lags })
}

/// How old the changes are that are told.
fn ages(event: Event, epoch: Instant) -> Vec<Duration> {
    let Event::Changed { changes, .. } = event else { return Vec::new() };
    let age = |change: Change| {
        let Change::Overwritten { data, .. } = change else { return None };
        let written = Duration::from_nanos(u64::from_be_bytes(*data.first_chunk()?));
        Some(epoch.elapsed().saturating_sub(written))
    };
    changes.into_iter().filter_map(age).collect()
}
