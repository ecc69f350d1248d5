//! Messages: what a program asks, is answered, and is told (`SAI-AIS-MSG-B.03.01 §3`).
//!
//! Flag words arrive as the program wrote them; which of them are legal is the service's rule. A
//! null pointer cannot be said here: the C library refuses it itself.

use crate::{ErrorCode, MemberId, Name, Payload, Payloads, ProcessId, Time, Version};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The versions served.
pub const VERSIONS: &[Version] = &[Version::b(1, 1), Version::b(2, 1), Version::b(3, 1)];

/// How many priorities there are; 0 is the highest.
pub const PRIORITIES: usize = 4;

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident, $alias:literal { $($(#[$flag:meta])* $flag_name:ident = $value:literal;)* }) => {
        $(#[$doc])*
        #[doc(alias = $alias)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$flag])* pub const $flag_name: Self = Self($value);)*

            /// Whether all of `other`'s flags are set.
            #[must_use]
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether no unknown flag is set.
            #[must_use]
            pub const fn valid(self) -> bool {
                self.0 & !(0 $(| $value)*) == 0
            }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

flags! {
    /// What a queue is created with, as the program wrote it (§3.4.2).
    CreationFlags, "SaMsgQueueCreationFlagsT" {
        /// The queue goes only by Unlink.
        #[doc(alias = "SA_MSG_QUEUE_PERSISTENT")]
        PERSISTENT = 0x1;
    }
}

flags! {
    /// What a queue is opened with, as the program wrote it (§3.4.2).
    OpenFlags, "SaMsgQueueOpenFlagsT" {
        /// Create it if it is not there.
        #[doc(alias = "SA_MSG_QUEUE_CREATE")]
        CREATE = 0x1;
        /// A callback for each message that arrives.
        #[doc(alias = "SA_MSG_QUEUE_RECEIVE_CALLBACK")]
        RECEIVE_CALLBACK = 0x2;
        /// Discard what is in it.
        #[doc(alias = "SA_MSG_QUEUE_EMPTY")]
        EMPTY = 0x4;
    }
}

flags! {
    /// Whether a send is acknowledged, as the program wrote it (§3.4.2).
    AckFlags, "SaMsgAckFlagsT" {
        /// By the delivered callback.
        #[doc(alias = "SA_MSG_MESSAGE_DELIVERED_ACK")]
        DELIVERED = 0x1;
    }
}

/// What a queue is created with (§3.4.3).
#[doc(alias = "SaMsgQueueCreationAttributesT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationAttributes {
    /// `PERSISTENT` or none.
    pub flags: CreationFlags,
    /// Room for messages of each priority, in bytes. Declared, not reserved.
    pub sizes: [u64; PRIORITIES],
    /// How long a queue that is not persistent stays after its last close.
    pub retention: Time,
}

/// How full one priority area is (§3.4.4).
#[doc(alias = "SaMsgQueueUsageT")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes that fit.
    pub size: u64,
    /// Bytes in use.
    pub used: u64,
    /// Messages in it.
    pub messages: u32,
}

/// How a queue is (§3.4.5).
#[doc(alias = "SaMsgQueueStatusT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// As created.
    pub flags: CreationFlags,
    /// As created, or set since.
    pub retention: Time,
    /// When it was closed last; 0 while it is open.
    pub close_time: Time,
    /// By priority.
    pub usage: [Usage; PRIORITIES],
}

/// A message as it is sent (§3.4.7).
#[doc(alias = "SaMsgMessageT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `type`: the program's.
    pub kind: u32,
    /// The program's; 32 opaque bits.
    pub version: u32,
    /// 0 (highest) to 3.
    pub priority: u8,
    /// If the sender gives one.
    pub sender: Option<Name>,
    /// The bytes.
    pub data: Payload,
}

/// A message as it is received (§3.8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// As sent.
    pub message: Message,
    /// When it was put into the queue (wall clock).
    pub send_time: Time,
    /// Whom to reply to; 0: nobody waits for a reply.
    pub sender_id: u64,
}

/// Which callbacks a program has (§3.4.8).
#[doc(alias = "SaMsgCallbacksT")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callbacks {
    /// `saMsgQueueOpenCallback`.
    pub open: bool,
    /// `saMsgQueueGroupTrackCallback`.
    pub group_track: bool,
    /// `saMsgMessageDeliveredCallback`.
    pub delivered: bool,
    /// `saMsgMessageReceivedCallback`.
    pub received: bool,
}

/// What a program asks. Handles are the numbers that [`Reply`] and [`Callback`] issued; 0 is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// The first call of a session (§3.5.1).
    #[doc(alias = "saMsgInitialize")]
    Initialize {
        /// What the program is written for; gates the rules that apply to it.
        version: Version,
        /// Which callbacks it has.
        callbacks: Callbacks,
    },
    /// Opens to receive, and creates if asked to (§3.6.1). Answered by [`Reply::Opened`].
    #[doc(alias = "saMsgQueueOpen")]
    Open {
        /// Which.
        name: Name,
        /// With `CREATE` and only then.
        attributes: Option<CreationAttributes>,
        /// How.
        flags: OpenFlags,
        /// After this: TIMEOUT, and nothing stays open.
        timeout: Time,
    },
    /// As [`Call::Open`], answered [`Reply::Done`] at once and [`Callback::Open`] later.
    #[doc(alias = "saMsgQueueOpenAsync")]
    OpenAsync {
        /// Comes back with the callback.
        invocation: u64,
        /// Which.
        name: Name,
        /// With `CREATE` and only then.
        attributes: Option<CreationAttributes>,
        /// How.
        flags: OpenFlags,
    },
    /// Gives a queue handle back (§3.6.3).
    #[doc(alias = "saMsgQueueClose")]
    Close {
        /// The handle.
        queue: u64,
    },
    /// How a queue is (§3.6.4). Answered by [`Reply::Status`].
    #[doc(alias = "saMsgQueueStatusGet")]
    StatusGet {
        /// Which.
        name: Name,
    },
    /// How long to keep the queue from the next close on (§3.6.5).
    #[doc(alias = "saMsgQueueRetentionTimeSet")]
    RetentionTimeSet {
        /// The handle.
        queue: u64,
        /// Not negative.
        retention: Time,
    },
    /// Frees the name; what is in the queue goes with the close (§3.6.6).
    #[doc(alias = "saMsgQueueUnlink")]
    Unlink {
        /// Which.
        name: Name,
    },
    /// Puts a message into a queue (§3.8.1). Answered when it is there.
    #[doc(alias = "saMsgMessageSend")]
    Send {
        /// The queue.
        destination: Name,
        /// What.
        message: Message,
        /// After this: TIMEOUT; whether it is there is not known.
        timeout: Time,
    },
    /// As [`Call::Send`], answered [`Reply::Done`] at once.
    #[doc(alias = "saMsgMessageSendAsync")]
    SendAsync {
        /// Comes back with the callback.
        invocation: u64,
        /// The queue.
        destination: Name,
        /// What.
        message: Message,
        /// Whether [`Callback::Delivered`] is wanted.
        ack: AckFlags,
    },
    /// Takes the oldest message of the highest priority (§3.8.3). Answered by
    /// [`Reply::Received`] or [`Reply::TooSmall`].
    #[doc(alias = "saMsgMessageGet")]
    Get {
        /// The handle.
        queue: u64,
        /// How many bytes the program has room for; `None`: the library makes room.
        room: Option<u64>,
        /// How long to wait for a message.
        timeout: Time,
    },
    /// Wakes all threads of the process that wait in Get on this queue (§3.8.6).
    #[doc(alias = "saMsgMessageCancel")]
    Cancel {
        /// The handle.
        queue: u64,
    },
    /// A function that is not served yet: answered NOT_SUPPORTED.
    Other(Function),
    /// All queues; for operators. Answered by [`Reply::List`]. Needs no Initialize.
    List,
}

/// The functions that are not served yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// §3.7.1
    #[doc(alias = "saMsgQueueGroupCreate")]
    GroupCreate,
    /// §3.7.2
    #[doc(alias = "saMsgQueueGroupInsert")]
    GroupInsert,
    /// §3.7.3
    #[doc(alias = "saMsgQueueGroupRemove")]
    GroupRemove,
    /// §3.7.4
    #[doc(alias = "saMsgQueueGroupDelete")]
    GroupDelete,
    /// §3.7.5
    #[doc(alias = "saMsgQueueGroupTrack")]
    GroupTrack,
    /// §3.7.7
    #[doc(alias = "saMsgQueueGroupTrackStop")]
    GroupTrackStop,
    /// §3.9.1
    #[doc(alias = "saMsgMessageSendReceive")]
    SendReceive,
    /// §3.9.2
    #[doc(alias = "saMsgMessageReply")]
    Reply,
    /// §3.9.2
    #[doc(alias = "saMsgMessageReplyAsync")]
    ReplyAsync,
    /// §3.10.1; since B.03.01
    #[doc(alias = "saMsgQueueCapacityThresholdsSet")]
    ThresholdsSet,
    /// §3.10.2; since B.03.01
    #[doc(alias = "saMsgQueueCapacityThresholdsGet")]
    ThresholdsGet,
    /// §3.11.1; since B.03.01
    #[doc(alias = "saMsgMetadataSizeGet")]
    MetadataSizeGet,
    /// §3.11.2; since B.03.01
    #[doc(alias = "saMsgLimitGet")]
    LimitGet,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Call::Initialize`]: the version granted.
    Initialized(Version),
    /// To [`Call::Initialize`]: refused; this is the nearest version. The program gets VERSION.
    VersionRefused(Version),
    /// A queue handle.
    Opened(u64),
    /// Done, nothing to tell.
    Done,
    /// To [`Call::StatusGet`].
    Status(Status),
    /// To [`Call::Get`].
    Received(Received),
    /// To [`Call::Get`]: the message needs room for so many bytes, and stays. The program gets
    /// NO_SPACE.
    TooSmall(u64),
    /// To [`Call::List`].
    List(Vec<Listed>),
}

/// What it is told unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// An asynchronous open is done (§3.6.2).
    #[doc(alias = "SaMsgQueueOpenCallbackT")]
    Open {
        /// As given.
        invocation: u64,
        /// The handle.
        outcome: Result<u64, ErrorCode>,
    },
    /// An asynchronous send is done (§3.8.2).
    #[doc(alias = "SaMsgMessageDeliveredCallbackT")]
    Delivered {
        /// As given.
        invocation: u64,
        /// Whether it is in the queue.
        outcome: Result<(), ErrorCode>,
    },
    /// A message has come into a queue opened with `RECEIVE_CALLBACK` (§3.8.5).
    #[doc(alias = "SaMsgMessageReceivedCallbackT")]
    Received {
        /// The handle.
        queue: u64,
    },
}

/// A queue, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name, or the one it had.
    pub name: Name,
    /// It has no name any more and goes with its close.
    pub unlinked: bool,
    /// As created; the retention as it is now.
    pub attributes: CreationAttributes,
    /// Who receives from it.
    pub opener: Option<ProcessId>,
    /// Who orders what is in it.
    pub primary: Option<MemberId>,
    /// Who has all of it.
    pub replicas: Vec<MemberId>,
    /// How full it is, if this node has a replica.
    pub usage: Option<[Usage; PRIORITIES]>,
}

impl Payloads for Message {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.data.payloads(visit);
    }
}

impl Payloads for Received {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.message.payloads(visit);
    }
}

impl Payloads for Call {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Send { message, .. } | Self::SendAsync { message, .. } => {
                message.payloads(visit);
            }
            Self::Initialize { .. }
            | Self::Open { .. }
            | Self::OpenAsync { .. }
            | Self::Close { .. }
            | Self::StatusGet { .. }
            | Self::RetentionTimeSet { .. }
            | Self::Unlink { .. }
            | Self::Get { .. }
            | Self::Cancel { .. }
            | Self::Other(_)
            | Self::List => {}
        }
    }
}

impl Payloads for Reply {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Received(received) => received.payloads(visit),
            Self::Initialized(_)
            | Self::VersionRefused(_)
            | Self::Opened(_)
            | Self::Done
            | Self::Status(_)
            | Self::TooSmall(_)
            | Self::List(_) => {}
        }
    }
}

impl Payloads for Callback {}
