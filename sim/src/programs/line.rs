//! A program's line to a service: one session, one call at a time, begun anew when it breaks.

use super::Io;
use crate::process::Heard;
use ais_node::SessionId;
use ais_types::{ErrorCode, Outcome, Payloads, ServiceId, frame};
use ais_wire::{decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// A session with a service.
pub(super) struct Line {
    service: ServiceId,
    session: Option<SessionId>,
    tag: u64,
    /// Of the alarm that counts.
    alarm: u64,
}

/// What matters to a program.
pub(super) enum News<R, C> {
    /// The session is there: everything begins.
    Begin,
    /// The answer to the last call.
    Reply(Outcome<R>),
    /// A callback.
    Callback(C),
    /// The pause is over.
    Go,
    /// Nothing that matters.
    Nothing,
}

impl Line {
    pub(super) const fn new(service: ServiceId) -> Self {
        Self { service, session: None, tag: 0, alarm: 0 }
    }

    pub(super) fn call(&mut self, io: &mut Io<'_>, mut call: impl Payloads + Serialize) {
        if let Some(session) = self.session {
            self.tag += 1;
            io.send(session, encode(frame::CALL, self.tag, &mut call));
        }
    }

    /// [`News::Go`] comes within this time.
    pub(super) fn pause(&mut self, io: &mut Io<'_>, within: Duration) {
        // Of no other line of the same program.
        *io.counter += 1;
        self.alarm = *io.counter;
        io.alarm(within, self.alarm);
    }

    /// Gives the session up and begins anew.
    pub(super) fn again(&mut self, io: &mut Io<'_>) {
        if let Some(session) = self.session.take() {
            io.finalize(session);
        }
        self.pause(io, Duration::from_millis(100));
    }

    /// Gives the session up for good.
    pub(super) fn close(&mut self, io: &mut Io<'_>) {
        if let Some(session) = self.session.take() {
            io.finalize(session);
        }
        self.alarm = 0;
    }

    pub(super) fn news<R, C>(&mut self, heard: Heard, io: &mut Io<'_>) -> News<R, C>
    where
        R: Payloads + DeserializeOwned,
        C: Payloads + DeserializeOwned,
    {
        match heard {
            Heard::Started => self.open(io),
            Heard::Welcome(session) if Some(session) == self.session => return News::Begin,
            Heard::Reply(session, frame)
                if Some(session) == self.session && frame.tag == self.tag =>
            {
                match decode::<Outcome<R>>(&frame) {
                    Ok(outcome) => return News::Reply(outcome),
                    Err(error) => io.fail(format!("an answer that cannot be read: {error}")),
                }
            }
            Heard::Callback(session, frame) if Some(session) == self.session => {
                match decode::<C>(&frame) {
                    Ok(callback) => return News::Callback(callback),
                    Err(error) => io.fail(format!("a callback that cannot be read: {error}")),
                }
            }
            Heard::Closed(session) if Some(session) == self.session => {
                self.session = None;
                self.pause(io, Duration::from_millis(100));
            }
            Heard::Alarm(alarm) if alarm == self.alarm => match self.session {
                Some(_) => return News::Go,
                None => self.open(io),
            },
            Heard::Welcome(_)
            | Heard::Reply(..)
            | Heard::Callback(..)
            | Heard::Closed(..)
            | Heard::Alarm(_) => {}
        }
        News::Nothing
    }

    fn open(&mut self, io: &mut Io<'_>) {
        self.session = Some(io.open(self.service));
        self.tag = 0;
    }
}

/// Whether a call that failed like this is worth repeating as it is.
pub(super) fn passing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::TryAgain | ErrorCode::Timeout | ErrorCode::NoResources | ErrorCode::Unavailable
    )
}
