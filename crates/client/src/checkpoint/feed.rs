//! Following a checkpoint: first what it holds, then what is changed.
//!
//! A scan takes several questions, and programs go on changing sections meanwhile. Each page is
//! told with the position at which it was true; a change that a page shows already is not told
//! again.

use super::Checkpoint;
use ais_types::{
    Error, ErrorCode, Outcome, Payload, Position, Time,
    ckpt::{Change, SectionDescriptor, SectionId},
};
use futures::{Stream, stream};
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How long one question waits; then it is asked again.
const PATIENCE: Time = Time(60 * Time::ONE_SECOND.0);

/// How long to rest when nobody can answer at the moment.
const REST: Duration = Duration::from_millis(50);

/// What a feed tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everything is told anew: what was known before is void.
    Reset,
    /// A section and its content.
    Section(SectionDescriptor, Payload),
    /// Everything there is has been told; what follows are changes.
    Live,
    /// What one call has changed.
    Changed {
        /// When it was asked for, by the wall clock of the node that asked.
        at: Time,
        /// In the order of the call.
        changes: Vec<Change>,
    },
}

/// A feed of a checkpoint. Ask for the [`next`](Self::next) event, or make it a
/// [`Stream`](Self::into_stream). It holds one page at a time: who is slow is told later.
#[derive(Debug)]
pub struct Feed {
    checkpoint: Checkpoint,
    state: State,
    /// Where one can go on after the last event.
    position: Option<Position>,
    /// Up to which section each page went (`None`: to the end), and when it was true; until all
    /// changes before that were passed.
    pages: Vec<(Option<SectionId>, Position)>,
    ready: VecDeque<(Event, Option<Position>)>,
}

#[derive(Debug)]
enum State {
    /// Nothing is known yet.
    New,
    /// Sections after this one are to be told, and then changes after this place.
    Scanning(Option<SectionId>, Position),
    /// Changes after this place are to be told.
    Live(Position),
}

impl Feed {
    pub(super) fn new(checkpoint: Checkpoint, from: Option<Position>) -> Self {
        let state = from.map_or(State::New, State::Live);
        Self { checkpoint, state, position: from, pages: Vec::new(), ready: VecDeque::new() }
    }

    /// Where a feed can go on that begins after the last event: [`Checkpoint::follow_from`].
    /// `None` until a little after [`Event::Live`] if the checkpoint was changed meanwhile.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// The next event; waits for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// ACCESS (not open to read), BAD_HANDLE (closed, or gone with its replicas), and those of the
    /// session. While no replica can answer it waits.
    pub async fn next(&mut self) -> Outcome<Event> {
        loop {
            if let Some((event, position)) = self.ready.pop_front() {
                self.position = position.or(self.position);
                return Ok(event);
            }
            match self.ask().await {
                Ok(()) => {}
                Err(Error { code: ErrorCode::Timeout, .. }) => {}
                Err(Error { code: ErrorCode::TryAgain | ErrorCode::NotExist, .. }) => {
                    sleep_until(Instant::now() + REST).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The same as a stream; it ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Outcome<Event>> {
        stream::unfold(Some(self), |feed| async move {
            let mut feed = feed?;
            let event = feed.next().await;
            let more = event.is_ok().then_some(feed);
            Some((event, more))
        })
    }

    /// Asks for more, once.
    async fn ask(&mut self) -> Outcome<()> {
        match &self.state {
            State::New => {
                let now = self.checkpoint.changes(None, PATIENCE).await?.position;
                self.position = None;
                self.pages.clear();
                self.state = State::Scanning(None, now);
            }
            State::Scanning(after, begin) => {
                let begin = *begin;
                let page = self.checkpoint.scan(after.clone()).await?;
                let last = page.sections.last().map(|(it, _)| it.section.clone());
                let sections = page.sections.into_iter();
                self.ready.extend(sections.map(|(it, data)| (Event::Section(it, data), None)));
                self.pages.push((last.clone().filter(|_| !page.end), page.position));
                self.state = State::Scanning(last, begin);
                if page.end {
                    self.ready.push_back((Event::Live, self.resumable(begin)));
                    self.state = State::Live(begin);
                }
            }
            State::Live(place) => {
                let changes = self.checkpoint.changes(Some(*place), PATIENCE).await?;
                if changes.lost {
                    self.ready.push_back((Event::Reset, None));
                    self.state = State::New;
                    return Ok(());
                }
                self.state = State::Live(changes.position);
                for set in changes.sets {
                    let new = set.changes.into_iter().filter(|it| self.is_new(it, set.position));
                    let changes: Vec<Change> = new.collect();
                    if !changes.is_empty() {
                        let event = Event::Changed { at: set.at, changes };
                        self.ready.push_back((event, self.resumable(set.position)));
                    }
                }
                if self.resumable(changes.position).is_some() {
                    self.pages.clear();
                }
            }
        }
        Ok(())
    }

    /// This place, if every page is older: whoever goes on from there needs to know none.
    fn resumable(&self, position: Position) -> Option<Position> {
        self.pages.iter().all(|it| it.1 <= position).then_some(position)
    }

    /// Whether no page has shown a change already.
    fn is_new(&self, change: &Change, position: Position) -> bool {
        let section = change.section();
        let covers =
            |it: &&(Option<SectionId>, Position)| it.0.as_ref().is_none_or(|last| section <= last);
        let page = self.pages.iter().find(covers);
        page.is_none_or(|page| position > page.1)
    }
}
