//! The block of log lines with which the tutorials show an assignment.

use crate::Component;
use ais_types::amf::{CsiDescriptor, CsiFlags, HaState, StateDescriptor};

impl Component {
    /// Writes down what AMF wants.
    pub(crate) fn log_assignment(&self, state: HaState, csi: &CsiDescriptor) {
        let log = &self.log;
        log.info(format!(
            "Component [{}] : PID [{}]. CSI Set Received",
            self.name,
            std::process::id()
        ));
        log.info(match csi.flags {
            CsiFlags::AddOne => "CSI Flags : [Add One]",
            CsiFlags::TargetOne => "CSI Flags : [Target One]",
            CsiFlags::TargetAll => "CSI Flags : [Target All]",
        });
        if csi.flags != CsiFlags::TargetAll {
            log.info(format!("CSI Name : [{}]", csi.name));
        }
        if csi.flags == CsiFlags::AddOne {
            log.info("Name value pairs :");
            for (name, value) in &csi.attributes {
                log.info(format!("Name : [{name}]"));
                log.info(format!("Value : [{value}]"));
            }
        }
        log.info(match state {
            HaState::Active => "HA state : [Active]",
            HaState::Standby => "HA state : [Standby]",
            HaState::Quiesced => "HA state : [Quiesced]",
            HaState::Quiescing => "HA state : [Quiescing]",
        });
        match &csi.detail {
            StateDescriptor::Active { transition, active } => {
                log.info("Active Descriptor :");
                log.info(format!("Transition Descriptor : [{}]", transition.number()));
                log.info(format!("Active Component : [{active}]"));
            }
            StateDescriptor::Standby { active, rank } => {
                log.info("Standby Descriptor :");
                log.info(format!("Standby Rank : [{rank}]"));
                log.info(format!("Active Component : [{active}]"));
            }
            StateDescriptor::None => {}
        }
    }
}
