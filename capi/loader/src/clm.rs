//! CLM through C.

use crate::{
    no_function, outcome,
    symbols::{functions, load},
};
use ais_capi::{
    clm::{
        Notification, NotificationBuffer, SaClmCallbacksT, SaClmCallbacksT_4, SaClmClusterNodeT,
        SaClmClusterNodeT_4, SaClmNodeAddressT,
    },
    types::{SaNameT, SaNtfCorrelationIdsT, SaVersionT},
};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, NodeId, Outcome, Time, Version,
    clm::{
        Address, AddressFamily, Api, Buffer, Call, Callback, Callbacks, Change, ClusterNode, Item,
        Reply, Response, Step, TrackCallback,
    },
};
use std::{cell::RefCell, mem::MaybeUninit, path::Path, ptr, slice};

functions! {
    /// `saClm.h`.
    Functions {
        saClmInitialize: fn(*mut u64, *const SaClmCallbacksT, *mut SaVersionT);
        saClmInitialize_4: fn(*mut u64, *const SaClmCallbacksT_4, *mut SaVersionT);
        saClmSelectionObjectGet: fn(u64, *mut u64);
        saClmDispatch: fn(u64, u32);
        saClmFinalize: fn(u64);
        saClmClusterTrack: fn(u64, u8, *mut NotificationBuffer<SaClmClusterNodeT>);
        saClmClusterTrack_4: fn(u64, u8, *mut NotificationBuffer<SaClmClusterNodeT_4>);
        saClmClusterTrackStop: fn(u64);
        saClmClusterNotificationFree_4: fn(u64, *mut Notification<SaClmClusterNodeT_4>);
        saClmClusterNodeGet: fn(u64, u32, i64, *mut SaClmClusterNodeT);
        saClmClusterNodeGet_4: fn(u64, u32, i64, *mut SaClmClusterNodeT_4);
        saClmClusterNodeGetAsync: fn(u64, u64, u32);
        saClmResponse_4: fn(u64, u64, u32);
    }
}

thread_local! {
    /// Callbacks carry no handle: they run in the thread that dispatches, and end up here.
    static TOLD: RefCell<Vec<Callback>> = const { RefCell::new(Vec::new()) };
}

fn tell(callback: Callback) {
    TOLD.with_borrow_mut(|told| told.push(callback));
}

/// A library of CLM.
pub struct ClmLibrary(Functions);

impl ClmLibrary {
    /// Loads it.
    ///
    /// # Errors
    /// When it cannot be loaded, or is no library of CLM.
    pub fn load(path: &Path) -> Result<Self, String> {
        let functions = Functions::find(load(path)?);
        match functions.saClmInitialize().is_err() && functions.saClmInitialize_4().is_err() {
            true => Err(format!("{} is no library of CLM: no saClmInitialize", path.display())),
            false => Ok(Self(functions)),
        }
    }

    /// Opens a handle. VERSION is a reply: [`Reply::VersionRefused`], without a handle.
    ///
    /// # Errors
    /// What the library returns.
    pub fn initialize(
        &self,
        api: Api,
        version: Version,
        callbacks: Callbacks,
    ) -> Outcome<(Option<u64>, Reply)> {
        let (mut handle, mut granted) = (0, SaVersionT::from(version));
        let (to_handle, to_version) = (&raw mut handle, &raw mut granted);
        let code = match api {
            Api::B01 => {
                let callbacks = SaClmCallbacksT {
                    saClmClusterNodeGetCallback: callbacks.node_get.then_some(on_node),
                    saClmClusterTrackCallback: callbacks.track.then_some(on_track),
                };
                // SAFETY: everything pointed to lives here.
                unsafe { (self.0.saClmInitialize()?)(to_handle, &raw const callbacks, to_version) }
            }
            Api::B04 => {
                let callbacks = SaClmCallbacksT_4 {
                    saClmClusterNodeGetCallback: callbacks.node_get.then_some(on_node_4),
                    saClmClusterTrackCallback: callbacks.track.then_some(on_track_4),
                };
                // SAFETY: everything pointed to lives here.
                unsafe {
                    (self.0.saClmInitialize_4()?)(to_handle, &raw const callbacks, to_version)
                }
            }
        };
        match outcome("saClmInitialize", code) {
            Ok(()) => Ok((Some(handle), Reply::Initialized(granted.into()))),
            Err(error) if error.code == ErrorCode::Version => {
                Ok((None, Reply::VersionRefused(granted.into())))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a call on a handle.
    ///
    /// # Errors
    /// What the library returns; NOT_SUPPORTED for what is no function of the C interface.
    pub fn call(&self, handle: u64, call: &Call) -> Outcome<Reply> {
        match *call {
            Call::Track { api: Api::B04, flags, buffer } => self.track_4(handle, flags.0, buffer),
            Call::Track { api: Api::B01, flags, buffer } => self.track(handle, flags.0, buffer),
            Call::TrackStop => {
                // SAFETY: numbers only.
                let code = unsafe { (self.0.saClmClusterTrackStop()?)(handle) };
                outcome("saClmClusterTrackStop", code).map(|()| Reply::Stopped(0))
            }
            Call::NodeGet { api, node, timeout } => {
                self.node_get(handle, api, node, timeout).map(Reply::Node)
            }
            Call::NodeGetAsync { invocation, node } => {
                // SAFETY: numbers only.
                let code =
                    unsafe { (self.0.saClmClusterNodeGetAsync()?)(handle, invocation, node.0) };
                outcome("saClmClusterNodeGetAsync", code).map(|()| Reply::Asked)
            }
            Call::Response { invocation, response } => {
                let response = match response {
                    Response::Ok => 1,
                    Response::Rejected => 2,
                    Response::Error => 3,
                };
                // SAFETY: numbers only.
                let code = unsafe { (self.0.saClmResponse_4()?)(handle, invocation, response) };
                outcome("saClmResponse_4", code).map(|()| Reply::Responded)
            }
            ref other => Err(no_function(&format!("{other:?}"))),
        }
    }

    fn track(&self, handle: u64, flags: u8, buffer: Buffer) -> Outcome<Reply> {
        let function = self.0.saClmClusterTrack()?;
        // SAFETY: the pointer is NULL or good.
        let call = |it| unsafe { function(handle, flags, it) };
        // Programs of B.01 free what the library allocated with `free`.
        let free = |it: *mut Notification<_>| {
            // SAFETY: from the library's malloc, says the specification.
            unsafe { libc::free(it.cast()) };
            Ok(())
        };
        tracked(flags, buffer, call, free)
    }

    fn track_4(&self, handle: u64, flags: u8, buffer: Buffer) -> Outcome<Reply> {
        let function = self.0.saClmClusterTrack_4()?;
        // SAFETY: the pointer is NULL or good.
        let call = |it| unsafe { function(handle, flags, it) };
        let free = |it| {
            // SAFETY: from this library, for this handle.
            let freed = unsafe { (self.0.saClmClusterNotificationFree_4()?)(handle, it) };
            outcome("saClmClusterNotificationFree_4", freed)
        };
        tracked(flags, buffer, call, free)
    }

    fn node_get(&self, handle: u64, api: Api, node: NodeId, timeout: Time) -> Outcome<ClusterNode> {
        match api {
            Api::B01 => {
                let mut found = MaybeUninit::<SaClmClusterNodeT>::zeroed();
                let function = self.0.saClmClusterNodeGet()?;
                // SAFETY: there is room for a node.
                let code = unsafe { function(handle, node.0, timeout.0, found.as_mut_ptr()) };
                outcome("saClmClusterNodeGet", code)?;
                // SAFETY: zeros are a node, and the library may have written another.
                Ok(unsafe { found.assume_init_ref() }.read())
            }
            Api::B04 => {
                let mut found = MaybeUninit::<SaClmClusterNodeT_4>::zeroed();
                let function = self.0.saClmClusterNodeGet_4()?;
                // SAFETY: there is room for a node.
                let code = unsafe { function(handle, node.0, timeout.0, found.as_mut_ptr()) };
                outcome("saClmClusterNodeGet_4", code)?;
                // SAFETY: zeros are a node, and the library may have written another.
                Ok(unsafe { found.assume_init_ref() }.read())
            }
        }
    }

    /// The selection object.
    ///
    /// # Errors
    /// What the library returns.
    pub fn selection_object(&self, handle: u64) -> Outcome<u64> {
        let mut object = 0;
        // SAFETY: there is room for it.
        let code = unsafe { (self.0.saClmSelectionObjectGet()?)(handle, &raw mut object) };
        outcome("saClmSelectionObjectGet", code).map(|()| object)
    }

    /// Dispatches, and says what was called back.
    ///
    /// # Errors
    /// What the library returns.
    pub fn dispatch(&self, handle: u64, flags: DispatchFlags) -> Outcome<Vec<Callback>> {
        TOLD.take();
        // SAFETY: numbers only.
        let code = unsafe { (self.0.saClmDispatch()?)(handle, crate::ckpt::number(flags)) };
        outcome("saClmDispatch", code).map(|()| TOLD.take())
    }

    /// Ends a handle.
    ///
    /// # Errors
    /// What the library returns.
    pub fn finalize(&self, handle: u64) -> Outcome<()> {
        // SAFETY: numbers only.
        outcome("saClmFinalize", unsafe { (self.0.saClmFinalize()?)(handle) })
    }
}

/// Tracks with a buffer of the kind that the scenario asks for.
fn tracked<N: Readable>(
    flags: u8,
    buffer: Buffer,
    call: impl FnOnce(*mut NotificationBuffer<N>) -> u32,
    free: impl FnOnce(*mut Notification<N>) -> Outcome<()>,
) -> Outcome<Reply> {
    const FUNCTION: &str = "saClmClusterTrack";
    let mut room: Vec<MaybeUninit<Notification<N>>> = Vec::new();
    let (items, own) = match buffer {
        Buffer::None => return outcome(FUNCTION, call(ptr::null_mut())).map(|()| Reply::Tracked),
        Buffer::Library => (0, ptr::null_mut()),
        Buffer::Items(items) => {
            // A buffer of no items has an address all the same.
            room.resize_with(items.max(1) as usize, MaybeUninit::zeroed);
            (items, room.as_mut_ptr().cast())
        }
    };
    let mut filled = NotificationBuffer { viewNumber: 0, numberOfItems: items, notification: own };
    match outcome(FUNCTION, call(&raw mut filled)) {
        Err(error) if error.code == ErrorCode::NoSpace => {
            return Ok(Reply::NoSpace(filled.numberOfItems));
        }
        Err(error) => return Err(error),
        Ok(()) if flags & 1 == 0 => return Ok(Reply::Tracked),
        Ok(()) => {}
    }
    // SAFETY: the library says that so many items are there.
    let notification = unsafe { read_buffer(&raw const filled) };
    if own.is_null() {
        free(filled.notification)?;
    }
    Ok(Reply::Current(notification))
}

/// # Safety
/// The buffer has as many items as it says.
unsafe fn read_buffer<N: Readable>(
    buffer: *const NotificationBuffer<N>,
) -> ais_types::clm::Notification {
    // SAFETY: by contract.
    let buffer = unsafe { &*buffer };
    let items: &[Notification<N>] = match buffer.notification.is_null() {
        true => &[],
        // SAFETY: by contract.
        false => unsafe {
            slice::from_raw_parts(buffer.notification, buffer.numberOfItems as usize)
        },
    };
    let item = |it: &Notification<N>| Item {
        node: it.clusterNode.read(),
        change: change(it.clusterChange),
    };
    ais_types::clm::Notification {
        view: buffer.viewNumber,
        items: items.iter().map(item).collect(),
    }
}

/// A node of either generation.
trait Readable {
    fn read(&self) -> ClusterNode;
}

impl Readable for SaClmClusterNodeT {
    fn read(&self) -> ClusterNode {
        ClusterNode {
            id: NodeId(self.nodeId),
            address: address(&self.nodeAddress),
            name: name(&self.nodeName),
            execution_environment: Name::default(),
            member: self.member == 1,
            boot_time: Time(self.bootTimestamp),
            initial_view: self.initialViewNumber,
        }
    }
}

impl Readable for SaClmClusterNodeT_4 {
    fn read(&self) -> ClusterNode {
        ClusterNode {
            id: NodeId(self.nodeId),
            address: address(&self.nodeAddress),
            name: name(&self.nodeName),
            execution_environment: name(&self.executionEnvironment),
            member: self.member == 1,
            boot_time: Time(self.bootTimestamp),
            initial_view: self.initialViewNumber,
        }
    }
}

fn address(it: &SaClmNodeAddressT) -> Address {
    let family = if it.family == 2 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let text = it.value.get(..usize::from(it.length)).unwrap_or_default();
    Address { family, text: String::from_utf8_lossy(text).into_owned() }
}

fn name(it: &SaNameT) -> Name {
    Name::new(it.value.get(..usize::from(it.length)).unwrap_or_default()).unwrap_or_default()
}

/// A number that is none of the header's is shown as the change that no scenario expects there.
fn change(number: u32) -> Change {
    match number {
        1 => Change::NoChange,
        2 => Change::Joined,
        3 => Change::Left,
        5 => Change::Unlock,
        6 => Change::Shutdown,
        _ => Change::Reconfigured,
    }
}

fn step(number: u32) -> Step {
    match number {
        1 => Step::Validate,
        2 => Step::Start,
        4 => Step::Completed,
        _ => Step::Aborted,
    }
}

unsafe extern "C" fn on_node(invocation: u64, node: *const SaClmClusterNodeT, error: u32) {
    // SAFETY: the library passes a node if all is well.
    unsafe { told_node(invocation, node, error) }
}

unsafe extern "C" fn on_node_4(invocation: u64, node: *const SaClmClusterNodeT_4, error: u32) {
    // SAFETY: the library passes a node if all is well.
    unsafe { told_node(invocation, node, error) }
}

/// # Safety
/// Without an error the pointer points to a node.
unsafe fn told_node<N: Readable>(invocation: u64, node: *const N, error: u32) {
    let node = match outcome("the callback", error) {
        // SAFETY: by contract.
        Ok(()) => Ok(unsafe { &*node }.read()),
        Err(Error { code, .. }) => Err(code),
    };
    tell(Callback::NodeGet { invocation, node });
}

unsafe extern "C" fn on_track(
    buffer: *const NotificationBuffer<SaClmClusterNodeT>,
    members: u32,
    error: u32,
) {
    tell(Callback::Track(TrackCallback {
        tracking: 0,
        // SAFETY: the library passes a buffer.
        notification: unsafe { read_buffer(buffer) },
        members,
        invocation: 0,
        root_cause: None,
        step: Step::Completed,
        time_supervision: Time(0),
        error: outcome("the callback", error).err().map(|it| it.code),
    }));
}

unsafe extern "C" fn on_track_4(
    buffer: *const NotificationBuffer<SaClmClusterNodeT_4>,
    members: u32,
    invocation: u64,
    cause: *const SaNameT,
    _ids: *const SaNtfCorrelationIdsT,
    at: u32,
    supervision: i64,
    error: u32,
) {
    // SAFETY: the library passes a name, or NULL.
    let cause = unsafe { cause.as_ref() }.map(name);
    tell(Callback::Track(TrackCallback {
        tracking: 0,
        // SAFETY: the library passes a buffer.
        notification: unsafe { read_buffer(buffer) },
        members,
        invocation,
        root_cause: cause,
        step: step(at),
        time_supervision: Time(supervision),
        error: outcome("the callback", error).err().map(|it| it.code),
    }));
}
