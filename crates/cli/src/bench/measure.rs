//! The clock and the arithmetic.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use crate::Failure;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// One figure of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// What was done.
    pub(crate) name: String,
    /// How often.
    pub(crate) n: usize,
    /// How often a second.
    pub(crate) ops_per_s: f64,
    /// The median of how long one took, in microseconds.
    pub(crate) p50_us: f64,
    /// What one in a hundred exceeded.
    pub(crate) p99_us: f64,
    /// The longest.
    pub(crate) max_us: f64,
}

impl Sample {
    /// Of single durations, done within `whole`.
    pub(crate) fn of(name: impl Into<String>, mut each: Vec<Duration>, whole: Duration) -> Self {
        each.sort_unstable();
        let at = |part: usize| {
            let place = (each.len() * part / 100).min(each.len().saturating_sub(1));
            each.get(place).map_or(0.0, |it| it.as_secs_f64() * 1e6)
        };
        let ops_per_s = each.len() as f64 / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        Self {
            name: name.into(),
            n: each.len(),
            ops_per_s,
            p50_us: at(50),
            p99_us: at(99),
            max_us: at(100),
        }
    }
}

/// What asynchronous clients run on: one thread.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let builder = Builder::new_current_thread().enable_all().build();
    builder.map_err(Failure::at("a runtime"))
}

/// Does it `count` times, one after the other, after a tenth of that to warm up.
///
/// # Errors
/// The first one of `act`.
pub(crate) fn one_by_one(
    name: impl Into<String>,
    count: u32,
    mut act: impl FnMut(u32) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    (0..count / 10).try_for_each(&mut act)?;
    let mut each = Vec::with_capacity(count as usize);
    let start = Instant::now();
    let mut before = start;
    for number in 0..count {
        act(number)?;
        let now = Instant::now();
        each.push(now - before);
        before = now;
    }
    Ok(Sample::of(name, each, before - start))
}

/// Does it with `lanes` under way at any time, `count` times in all, after a tenth of that to warm
/// up.
///
/// # Errors
/// The first one of `act`.
pub(crate) async fn side_by_side<F: Future<Output = Result<(), Failure>>>(
    name: impl Into<String>,
    lanes: u32,
    count: u32,
    act: impl Fn(u32, u32) -> F,
) -> Result<Sample, Failure> {
    let lane = async |lane: u32, count: u32| {
        let mut each = Vec::with_capacity((count / lanes) as usize);
        for number in 0..count / lanes {
            let before = Instant::now();
            act(lane, number).await?;
            each.push(before.elapsed());
        }
        Ok::<_, Failure>(each)
    };
    futures::future::try_join_all((0..lanes).map(|it| lane(it, count / 10))).await?;
    let start = Instant::now();
    let all = futures::future::try_join_all((0..lanes).map(|it| lane(it, count))).await?;
    let whole = start.elapsed();
    Ok(Sample::of(name, all.into_iter().flatten().collect(), whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_what_was_measured() {
        let each = (1..=100).rev().map(Duration::from_micros).collect();
        let sample = Sample::of("it", each, Duration::from_millis(10));
        assert_eq!(
            (sample.n, sample.p50_us, sample.p99_us, sample.max_us),
            (100, 51.0, 100.0, 100.0)
        );
        assert!((sample.ops_per_s - 10_000.0).abs() < 1e-6);
        assert_eq!(Sample::of("nothing", Vec::new(), Duration::ZERO).p50_us, 0.0);
    }
}
