//! csa103: counts once a second while it is active, and saves its count in a checkpoint.
//!
//! The checkpoint always holds the *next* number to print, so that whoever takes over prints
//! neither a number twice nor skips one.

mod counter;

use crate::{Component, Failure, ticks::Ticks};
use ais_types::{
    DispatchFlags,
    amf::{Callback, CsiDescriptor, HaState},
    ckpt,
};
use counter::Counter;
use std::{ops::ControlFlow, os::fd::AsFd, time::Duration};

/// Runs the component until AMF ends it.
///
/// # Errors
/// When it cannot start, or its node is gone.
pub fn run() -> Result<(), Failure> {
    let component = Component::start("csa103", "csa103CompEO")?;
    let name = &component.name;
    component.log.info(format!("csa103: Instantiated as component instance {name}."));
    for _ in 0..2 {
        component.log.info(format!("{name}: Waiting for CSI assignment..."));
    }
    let counter = Counter::open(&component)?;
    Csa103 { component: &component, counter, state: None, seq: 0 }.serve()
}

struct Csa103<'a> {
    component: &'a Component,
    counter: Counter<'a>,
    /// As assigned; `None` before the first assignment.
    state: Option<HaState>,
    /// The next number to print.
    seq: u32,
}

impl Csa103<'_> {
    fn serve(mut self) -> Result<(), Failure> {
        self.seq = self.counter.initial();
        let mut ticks = Ticks::every(Duration::from_secs(1));
        loop {
            let active = self.state == Some(HaState::Active);
            let objects = [self.component.amf.as_fd(), self.counter.ckpt().session().as_fd()];
            ticks.wait(&objects, active);
            while let Some(callback) = self.component.amf.next_callback(ais_client::Wait::Now)? {
                if self.told(callback)?.is_break() {
                    return Ok(());
                }
                if self.state == Some(HaState::Active) && !active {
                    ticks.restart();
                }
            }
            let log = &self.component.log;
            let name = &self.component.name;
            self.counter.ckpt().dispatch(DispatchFlags::All, |callback| match callback {
                ckpt::Callback::Synchronize { invocation, outcome: Ok(()), .. } => {
                    if invocation % 10 == 0 {
                        log.info(format!("Checkpoint synchronize [{invocation}] completed "));
                    }
                }
                ckpt::Callback::Synchronize { outcome: Err(code), .. } => {
                    log.error(format!(
                        "{name}: Checkpoint synchronize failed [0x{:x}]",
                        code.number()
                    ));
                }
                // Nothing of that is asked for.
                ckpt::Callback::Open { .. }
                | ckpt::Callback::Track { .. }
                | ckpt::Callback::Notification(_) => {}
            })?;
            if self.state == Some(HaState::Active) && ticks.due() {
                self.count();
            }
        }
    }

    fn count(&mut self) {
        let name = &self.component.name;
        self.component.log.info(format!("{name}: Hello World! (seq={})", self.seq));
        self.seq = self.seq.wrapping_add(1);
        self.counter.save(self.seq);
    }

    fn told(&mut self, callback: Callback) -> Result<ControlFlow<()>, Failure> {
        let amf = &self.component.amf;
        match callback {
            Callback::CsiSet { invocation, state, csi, .. } => {
                self.take(state, &csi);
                amf.response(invocation, None)?;
                if state == HaState::Quiescing {
                    amf.csi_quiescing_complete(invocation, None)?;
                }
            }
            Callback::CsiRemove { invocation, .. } => {
                self.state = None;
                amf.response(invocation, None)?;
            }
            Callback::Healthcheck { invocation, .. } => amf.response(invocation, None)?,
            Callback::Terminate { invocation, .. } => {
                self.counter.close();
                amf.response(invocation, None)?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take(&mut self, state: HaState, csi: &CsiDescriptor) {
        let (name, log) = (&self.component.name, &self.component.log);
        self.component.log_assignment(state, csi);
        let old = self.state.map_or(0, HaState::number);
        match state {
            HaState::Active => {
                log.info(format!("{name}: Active state requested from state {old}"));
                self.counter.become_active();
                if self.state == Some(HaState::Standby) {
                    log.info(format!("{name} reading checkpoint"));
                    if let Some(seq) = self.counter.read() {
                        self.seq = seq;
                    }
                    log.info(format!("{name} read checkpoint: seq = {}", self.seq));
                }
            }
            HaState::Standby => log.info(format!(" Standby state requested from state {old}")),
            HaState::Quiesced => log.info(format!("{name}: QUIESCED")),
            HaState::Quiescing => log.info(format!("{name}: QUIESCING")),
        }
        self.state = Some(state);
    }
}
