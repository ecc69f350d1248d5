//! The states and enumerations of AMF, with their numbers in the C headers (§3.2, §7.4).

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u32)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// The number in the C headers.
            #[must_use]
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The value with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// The word of the specification, without its prefix.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

numbered! {
    /// `SaAmfHAStateT` (§3.2.2.4): what a component does for a CSI.
    #[doc(alias = "SaAmfHAStateT")]
    HaState {
        /// Provides the service.
        Active = 1, "ACTIVE";
        /// Ready to take over.
        Standby = 2, "STANDBY";
        /// Has stopped, and left its state where a successor can take it.
        Quiesced = 3, "QUIESCED";
        /// Serves whom it has, takes nobody new.
        Quiescing = 4, "QUIESCING";
    }
}

numbered! {
    /// `SaAmfAdminStateT` (§3.2.1.2): what operators allow.
    #[doc(alias = "SaAmfAdminStateT")]
    AdminState {
        /// May have assignments.
        Unlocked = 1, "UNLOCKED";
        /// May not have assignments.
        Locked = 2, "LOCKED";
        /// May not even be instantiated.
        LockedInstantiation = 3, "LOCKED_INSTANTIATION";
        /// Takes nothing new; LOCKED when the last assignment is gone.
        ShuttingDown = 4, "SHUTTING_DOWN";
    }
}

numbered! {
    /// `SaAmfOperationalStateT` (§3.2.1.3): whether it is known to be broken.
    #[doc(alias = "SaAmfOperationalStateT")]
    OperationalState {
        /// No known error, or one that a restart is mending.
        Enabled = 1, "ENABLED";
        /// Broken until repaired.
        Disabled = 2, "DISABLED";
    }
}

numbered! {
    /// `SaAmfPresenceStateT` (§3.2.1.1): whether it runs.
    #[doc(alias = "SaAmfPresenceStateT")]
    PresenceState {
        /// Does not run.
        Uninstantiated = 1, "UNINSTANTIATED";
        /// Is being started.
        Instantiating = 2, "INSTANTIATING";
        /// Runs and is registered.
        Instantiated = 3, "INSTANTIATED";
        /// Is being ended.
        Terminating = 4, "TERMINATING";
        /// Is being restarted in place and keeps its assignments.
        Restarting = 5, "RESTARTING";
        /// All attempts to start it have failed.
        InstantiationFailed = 6, "INSTANTIATION_FAILED";
        /// It could not be ended: it may still run.
        TerminationFailed = 7, "TERMINATION_FAILED";
    }
}

numbered! {
    /// `SaAmfReadinessStateT` (§3.2.1.4): whether it may take assignments.
    #[doc(alias = "SaAmfReadinessStateT")]
    ReadinessState {
        /// No.
        OutOfService = 1, "OUT_OF_SERVICE";
        /// Yes.
        InService = 2, "IN_SERVICE";
        /// Nothing new.
        Stopping = 3, "STOPPING";
    }
}

numbered! {
    /// `SaAmfAssignmentStateT` (§3.2.3.2): whether a service instance is provided.
    #[doc(alias = "SaAmfAssignmentStateT")]
    AssignmentState {
        /// By nobody.
        Unassigned = 1, "UNASSIGNED";
        /// With all the redundancy that is wanted.
        FullyAssigned = 2, "FULLY_ASSIGNED";
        /// With less.
        PartiallyAssigned = 3, "PARTIALLY_ASSIGNED";
    }
}

numbered! {
    /// `SaAmfRecommendedRecoveryT` (§7.4.9): what to do about an error.
    #[doc(alias = "SaAmfRecommendedRecoveryT")]
    Recovery {
        /// What the component's model says.
        NoRecommendation = 1, "NO_RECOMMENDATION";
        /// Restart it in place.
        ComponentRestart = 2, "COMPONENT_RESTART";
        /// Let another take over, and mend it.
        ComponentFailover = 3, "COMPONENT_FAILOVER";
        /// Not supported.
        NodeSwitchover = 4, "NODE_SWITCHOVER";
        /// Not supported.
        NodeFailover = 5, "NODE_FAILOVER";
        /// Not supported.
        NodeFailfast = 6, "NODE_FAILFAST";
        /// Not supported.
        ClusterReset = 7, "CLUSTER_RESET";
        /// Not supported.
        ApplicationRestart = 8, "APPLICATION_RESTART";
        /// Only for contained components.
        ContainerRestart = 9, "CONTAINER_RESTART";
    }
}

numbered! {
    /// `SaAmfCSIFlagsT` (§7.4.7.1); exactly one at a time.
    #[doc(alias = "SaAmfCSIFlagsT")]
    CsiFlags {
        /// A CSI that the component does not have yet.
        AddOne = 1, "ADD_ONE";
        /// One that it has.
        TargetOne = 2, "TARGET_ONE";
        /// All that it has.
        TargetAll = 4, "TARGET_ALL";
    }
}

numbered! {
    /// `SaAmfCSITransitionDescriptorT` (§7.4.7.2): what became of the previous active.
    #[doc(alias = "SaAmfCSITransitionDescriptorT")]
    Transition {
        /// There was none.
        NewAssign = 1, "NEW_ASSIGN";
        /// It was quiesced.
        Quiesced = 2, "QUIESCED";
        /// It failed without being quiesced.
        NotQuiesced = 3, "NOT_QUIESCED";
        /// Another one is still active.
        StillActive = 4, "STILL_ACTIVE";
    }
}

numbered! {
    /// `SaAmfAdminOperationIdT` (§9.3): what operators can order.
    #[doc(alias = "SaAmfAdminOperationIdT")]
    AdminOperation {
        /// Allow assignments.
        Unlock = 1, "UNLOCK";
        /// Take assignments away, quiesced first.
        Lock = 2, "LOCK";
        /// End it; only when locked.
        LockInstantiation = 3, "LOCK_INSTANTIATION";
        /// Allow it to run, still locked.
        UnlockInstantiation = 4, "UNLOCK_INSTANTIATION";
        /// Lock, once nobody is being served.
        Shutdown = 5, "SHUTDOWN";
        /// Not supported.
        Restart = 6, "RESTART";
        /// Not supported.
        SiSwap = 7, "SI_SWAP";
        /// Not supported.
        SgAdjust = 8, "SG_ADJUST";
        /// Clears the failed states of a unit that has been mended.
        Repaired = 9, "REPAIRED";
        /// Not supported.
        EamStart = 10, "EAM_START";
        /// Not supported.
        EamStop = 11, "EAM_STOP";
    }
}
