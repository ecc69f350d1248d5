//! CKPT through C.

use crate::{
    no_function, outcome,
    symbols::{functions, load},
};
use ais_capi::{
    ckpt::{
        SaCkptCallbacksT, SaCkptCallbacksT_2, SaCkptCheckpointCreationAttributesT,
        SaCkptCheckpointDescriptorT, SaCkptIOVectorElementT, SaCkptSectionCreationAttributesT,
        SaCkptSectionDescriptorT, SaCkptSectionIdT,
    },
    name,
    types::{SaNameT, SaVersionT},
};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, Outcome, Time, Version,
    ckpt::{
        Call, Callback, Callbacks, CheckpointDescriptor, CreationAttributes, ReadElement, Reply,
        SectionDescriptor, SectionId, SectionState, TrackElement, WriteElement,
    },
};
use std::{cell::RefCell, ffi::c_void, mem::MaybeUninit, path::Path, ptr, slice};

type Attributes = SaCkptCheckpointCreationAttributesT;

functions! {
    /// `saCkpt.h`.
    Functions {
        saCkptInitialize: fn(*mut u64, *const SaCkptCallbacksT, *mut SaVersionT);
        saCkptSelectionObjectGet: fn(u64, *mut u64);
        saCkptDispatch: fn(u64, u32);
        saCkptFinalize: fn(u64);
        saCkptCheckpointOpen: fn(u64, *const SaNameT, *const Attributes, u32, i64, *mut u64);
        saCkptCheckpointOpenAsync: fn(u64, u64, *const SaNameT, *const Attributes, u32);
        saCkptCheckpointClose: fn(u64);
        saCkptCheckpointUnlink: fn(u64, *const SaNameT);
        saCkptCheckpointRetentionDurationSet: fn(u64, i64);
        saCkptActiveReplicaSet: fn(u64);
        saCkptCheckpointStatusGet: fn(u64, *mut SaCkptCheckpointDescriptorT);
        saCkptSectionCreate: fn(u64, *mut SaCkptSectionCreationAttributesT, *const c_void, u64);
        saCkptSectionIdFree: fn(u64, *mut u8);
        saCkptSectionDelete: fn(u64, *const SaCkptSectionIdT);
        saCkptSectionExpirationTimeSet: fn(u64, *const SaCkptSectionIdT, i64);
        saCkptSectionIterationInitialize: fn(u64, u32, i64, *mut u64);
        saCkptSectionIterationNext: fn(u64, *mut SaCkptSectionDescriptorT);
        saCkptSectionIterationFinalize: fn(u64);
        saCkptCheckpointWrite: fn(u64, *const SaCkptIOVectorElementT, u32, *mut u32);
        saCkptSectionOverwrite: fn(u64, *const SaCkptSectionIdT, *const c_void, u64);
        saCkptCheckpointRead: fn(u64, *mut SaCkptIOVectorElementT, u32, *mut u32);
        saCkptIOVectorElementDataFree: fn(u64, *mut c_void);
        saCkptCheckpointSynchronize: fn(u64, i64);
        saCkptCheckpointSynchronizeAsync: fn(u64, u64);
        // The extension that tracks changes.
        saCkptInitialize_2: fn(*mut u64, *const SaCkptCallbacksT_2, *mut SaVersionT);
        saCkptTrack: fn(u64);
        saCkptTrackStop: fn(u64);
    }
}

thread_local! {
    /// Callbacks carry no library handle: they run in the thread that dispatches, and end up here.
    static TOLD: RefCell<Vec<Callback>> = const { RefCell::new(Vec::new()) };
}

fn tell(callback: Callback) {
    TOLD.with_borrow_mut(|told| told.push(callback));
}

/// The largest buffer that is passed to a read, however large it is said to be.
const ROOM_MAX: u64 = 64 << 20;

/// `SaDispatchFlagsT`.
pub(crate) fn number(flags: DispatchFlags) -> u32 {
    match flags {
        DispatchFlags::One => 1,
        DispatchFlags::All => 2,
        DispatchFlags::Blocking => 3,
    }
}

/// A library of CKPT.
pub struct CkptLibrary {
    functions: Functions,
}

/// Octets of section ids, and the ids that point to them.
fn c_id(id: &SectionId) -> SaCkptSectionIdT {
    let octets = id.as_bytes();
    let pointer = if octets.is_empty() { ptr::null() } else { octets.as_ptr() };
    let idLen = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    // The functions that are given an id only read it.
    SaCkptSectionIdT { idLen, id: pointer.cast_mut() }
}

impl CkptLibrary {
    /// Loads it.
    ///
    /// # Errors
    /// When it cannot be loaded, or is no library of CKPT.
    pub fn load(path: &Path) -> Result<Self, String> {
        let functions = Functions::find(load(path)?);
        match functions.saCkptInitialize() {
            Ok(_) => Ok(Self { functions }),
            Err(_) => Err(format!("{} is no library of CKPT: no saCkptInitialize", path.display())),
        }
    }

    /// Opens a handle.
    ///
    /// # Errors
    /// What the library returns.
    pub fn initialize(&self, version: Version, callbacks: Callbacks) -> Outcome<(u64, Reply)> {
        let (mut handle, mut granted) = (0, SaVersionT::from(version));
        let callbacks = SaCkptCallbacksT {
            saCkptCheckpointOpenCallback: callbacks.open.then_some(on_open),
            saCkptCheckpointSynchronizeCallback: callbacks.synchronize.then_some(on_synchronize),
        };
        // SAFETY: everything pointed to lives here.
        let code = unsafe {
            (self.functions.saCkptInitialize()?)(
                &raw mut handle,
                &raw const callbacks,
                &raw mut granted,
            )
        };
        outcome("saCkptInitialize", code)?;
        Ok((handle, Reply::Initialized(granted.into())))
    }

    /// Opens a handle for tracking changes.
    ///
    /// # Errors
    /// What the library returns; NOT_SUPPORTED if it has no such function.
    pub fn initialize_tracking(
        &self,
        version: Version,
        callbacks: Callbacks,
    ) -> Outcome<(u64, Reply)> {
        let (mut handle, mut granted) = (0, SaVersionT::from(version));
        let callbacks = SaCkptCallbacksT_2 {
            saCkptCheckpointOpenCallback: callbacks.open.then_some(on_open),
            saCkptCheckpointSynchronizeCallback: callbacks.synchronize.then_some(on_synchronize),
            saCkptCheckpointTrackCallback: callbacks.track.then_some(on_track),
        };
        let function = self.functions.saCkptInitialize_2()?;
        // SAFETY: everything pointed to lives here.
        let code = unsafe { function(&raw mut handle, &raw const callbacks, &raw mut granted) };
        outcome("saCkptInitialize_2", code)?;
        Ok((handle, Reply::Initialized(granted.into())))
    }

    /// Makes a call: on the library handle, or on those that the call itself names.
    ///
    /// # Errors
    /// What the library returns; NOT_SUPPORTED for what is no function of the C interface.
    pub fn call(&self, handle: u64, call: &Call) -> Outcome<Reply> {
        let f = &self.functions;
        let done = |function: &str, code| outcome(function, code).map(|()| Reply::Done);
        match call {
            Call::Open { name, attributes, flags, timeout } => {
                self.open(handle, name, *attributes, flags.0, *timeout)
            }
            Call::OpenAsync { invocation, name, attributes, flags } => {
                let (name, attributes) = (name::write(name), attributes.map(Attributes::from));
                let attributes = attributes.as_ref().map_or(ptr::null(), ptr::from_ref);
                let open = f.saCkptCheckpointOpenAsync()?;
                // SAFETY: everything pointed to lives here.
                let code =
                    unsafe { open(handle, *invocation, &raw const name, attributes, flags.0) };
                done("saCkptCheckpointOpenAsync", code)
            }
            Call::Close { checkpoint } => {
                // SAFETY: numbers only.
                done("saCkptCheckpointClose", unsafe { (f.saCkptCheckpointClose()?)(*checkpoint) })
            }
            Call::Unlink { name } => {
                let name = name::write(name);
                // SAFETY: the name lives here.
                let code = unsafe { (f.saCkptCheckpointUnlink()?)(handle, &raw const name) };
                done("saCkptCheckpointUnlink", code)
            }
            Call::RetentionDurationSet { checkpoint, duration } => {
                let set = f.saCkptCheckpointRetentionDurationSet()?;
                // SAFETY: numbers only.
                let code = unsafe { set(*checkpoint, duration.0) };
                done("saCkptCheckpointRetentionDurationSet", code)
            }
            Call::ActiveReplicaSet { checkpoint } => {
                // SAFETY: numbers only.
                done("saCkptActiveReplicaSet", unsafe {
                    (f.saCkptActiveReplicaSet()?)(*checkpoint)
                })
            }
            Call::StatusGet { checkpoint } => self.status(*checkpoint).map(Reply::Status),
            Call::SectionCreate { checkpoint, section, expiration, data } => self
                .section_create(*checkpoint, section, *expiration, data)
                .map(Reply::SectionCreated),
            Call::SectionDelete { checkpoint, section } => {
                let id = c_id(section);
                // SAFETY: the id lives here.
                let code = unsafe { (f.saCkptSectionDelete()?)(*checkpoint, &raw const id) };
                done("saCkptSectionDelete", code)
            }
            Call::SectionExpirationTimeSet { checkpoint, section, expiration } => {
                let (id, set) = (c_id(section), f.saCkptSectionExpirationTimeSet()?);
                // SAFETY: the id lives here.
                let code = unsafe { set(*checkpoint, &raw const id, expiration.0) };
                done("saCkptSectionExpirationTimeSet", code)
            }
            Call::SectionIterationInitialize { checkpoint, chosen, expiration } => {
                let (mut iteration, begin) = (0, f.saCkptSectionIterationInitialize()?);
                // SAFETY: there is room for the handle.
                let code =
                    unsafe { begin(*checkpoint, chosen.0, expiration.0, &raw mut iteration) };
                outcome("saCkptSectionIterationInitialize", code)?;
                Ok(Reply::IterationStarted(iteration))
            }
            Call::SectionIterationNext { iteration } => self.next(*iteration).map(Reply::Section),
            Call::SectionIterationFinalize { iteration } => {
                // SAFETY: numbers only.
                let code = unsafe { (f.saCkptSectionIterationFinalize()?)(*iteration) };
                done("saCkptSectionIterationFinalize", code)
            }
            Call::Write { checkpoint, elements } => self.write(*checkpoint, elements),
            Call::Overwrite { checkpoint, section, data } => {
                let (id, over) = (c_id(section), f.saCkptSectionOverwrite()?);
                let (data, size) = (data.as_ptr().cast(), data.len() as u64);
                // SAFETY: id and data live here.
                let code = unsafe { over(*checkpoint, &raw const id, data, size) };
                done("saCkptSectionOverwrite", code)
            }
            Call::Read { checkpoint, elements } => self.read(*checkpoint, elements),
            Call::Synchronize { checkpoint, timeout } => {
                // SAFETY: numbers only.
                let code = unsafe { (f.saCkptCheckpointSynchronize()?)(*checkpoint, timeout.0) };
                done("saCkptCheckpointSynchronize", code)
            }
            Call::SynchronizeAsync { checkpoint, invocation } => {
                let synchronize = f.saCkptCheckpointSynchronizeAsync()?;
                // SAFETY: numbers only.
                let code = unsafe { synchronize(*checkpoint, *invocation) };
                done("saCkptCheckpointSynchronizeAsync", code)
            }
            Call::Track => {
                // SAFETY: numbers only.
                done("saCkptTrack", unsafe { (self.functions.saCkptTrack()?)(handle) })
            }
            Call::TrackStop => {
                // SAFETY: numbers only.
                done("saCkptTrackStop", unsafe { (self.functions.saCkptTrackStop()?)(handle) })
            }
            other => Err(no_function(&format!("{other:?}"))),
        }
    }

    fn open(
        &self,
        handle: u64,
        name: &Name,
        attributes: Option<CreationAttributes>,
        flags: u32,
        timeout: Time,
    ) -> Outcome<Reply> {
        let (name, attributes) = (name::write(name), attributes.map(Attributes::from));
        let attributes = attributes.as_ref().map_or(ptr::null(), ptr::from_ref);
        let (mut opened, open) = (0, self.functions.saCkptCheckpointOpen()?);
        // SAFETY: everything pointed to lives here.
        let code =
            unsafe { open(handle, &raw const name, attributes, flags, timeout.0, &raw mut opened) };
        outcome("saCkptCheckpointOpen", code).map(|()| Reply::Opened(opened))
    }

    fn status(&self, checkpoint: u64) -> Outcome<CheckpointDescriptor> {
        let mut status = MaybeUninit::<SaCkptCheckpointDescriptorT>::zeroed();
        let get = self.functions.saCkptCheckpointStatusGet()?;
        // SAFETY: there is room for it.
        outcome("saCkptCheckpointStatusGet", unsafe { get(checkpoint, status.as_mut_ptr()) })?;
        // SAFETY: zeros are a descriptor, and the library may have written another.
        let it = unsafe { status.assume_init() };
        let made = it.checkpointCreationAttributes;
        Ok(CheckpointDescriptor {
            attributes: CreationAttributes {
                creation_flags: ais_types::ckpt::CreationFlags(made.creationFlags),
                checkpoint_size: made.checkpointSize,
                retention_duration: Time(made.retentionDuration),
                max_sections: made.maxSections,
                max_section_size: made.maxSectionSize,
                max_section_id_size: made.maxSectionIdSize,
            },
            number_of_sections: it.numberOfSections,
            memory_used: it.memoryUsed,
        })
    }

    fn section_create(
        &self,
        checkpoint: u64,
        section: &SectionId,
        expiration: Time,
        data: &[u8],
    ) -> Outcome<SectionId> {
        let mut id = c_id(section);
        let mut attributes = SaCkptSectionCreationAttributesT {
            sectionId: &raw mut id,
            expirationTime: expiration.0,
        };
        let create = self.functions.saCkptSectionCreate()?;
        let (bytes, size) = (data.as_ptr().cast(), data.len() as u64);
        // SAFETY: everything pointed to lives here.
        let code = unsafe { create(checkpoint, &raw mut attributes, bytes, size) };
        outcome("saCkptSectionCreate", code)?;
        // SAFETY: the library made an id up, or left ours as it is.
        let created = unsafe { read_id(&id) };
        if section.is_none() {
            // SAFETY: from this library.
            let freed = unsafe { (self.functions.saCkptSectionIdFree()?)(checkpoint, id.id) };
            outcome("saCkptSectionIdFree", freed)?;
        }
        Ok(created)
    }

    fn next(&self, iteration: u64) -> Outcome<SectionDescriptor> {
        let mut found = MaybeUninit::<SaCkptSectionDescriptorT>::zeroed();
        let next = self.functions.saCkptSectionIterationNext()?;
        // SAFETY: there is room for it.
        outcome("saCkptSectionIterationNext", unsafe { next(iteration, found.as_mut_ptr()) })?;
        // SAFETY: zeros are a descriptor, and the library may have written another.
        let it = unsafe { found.assume_init() };
        Ok(SectionDescriptor {
            // SAFETY: the id is the library's until the next call.
            section: unsafe { read_id(&it.sectionId) },
            expiration: Time(it.expirationTime),
            size: it.sectionSize,
            state: match it.sectionState {
                1 => SectionState::Valid,
                _ => SectionState::Corrupted,
            },
            last_update: Time(it.lastUpdate),
        })
    }

    fn write(&self, checkpoint: u64, elements: &[WriteElement]) -> Outcome<Reply> {
        let element = |it: &WriteElement| SaCkptIOVectorElementT {
            sectionId: c_id(&it.section),
            dataBuffer: it.data.as_ptr().cast_mut().cast(),
            dataSize: it.data.len() as u64,
            dataOffset: it.offset,
            readSize: 0,
        };
        let vector: Vec<_> = elements.iter().map(element).collect();
        let (count, mut index) = (vector.len() as u32, u32::MAX);
        let write = self.functions.saCkptCheckpointWrite()?;
        // SAFETY: everything pointed to lives here; writing reads only.
        let code = unsafe { write(checkpoint, vector.as_ptr(), count, &raw mut index) };
        blamed("saCkptCheckpointWrite", code, index).map(|()| Reply::Done)
    }

    fn read(&self, checkpoint: u64, elements: &[ReadElement]) -> Outcome<Reply> {
        // A program may say that its buffer is larger than it is. No section is as large as this.
        let room = |size: u64| vec![0_u8; size.clamp(1, ROOM_MAX) as usize];
        let room = |it: &ReadElement| it.size.map(room);
        let mut buffers: Vec<Option<Vec<u8>>> = elements.iter().map(room).collect();
        let element = |(it, buffer): (&ReadElement, &mut Option<Vec<u8>>)| SaCkptIOVectorElementT {
            sectionId: c_id(&it.section),
            dataBuffer: buffer.as_mut().map_or(ptr::null_mut(), |it| it.as_mut_ptr().cast()),
            dataSize: it.size.unwrap_or(0),
            dataOffset: it.offset,
            readSize: 0,
        };
        let mut vector: Vec<_> = elements.iter().zip(&mut buffers).map(element).collect();
        let (count, mut index) = (vector.len() as u32, u32::MAX);
        let read = self.functions.saCkptCheckpointRead()?;
        // SAFETY: everything pointed to lives here, and is as large as it says.
        let code = unsafe { read(checkpoint, vector.as_mut_ptr(), count, &raw mut index) };
        blamed("saCkptCheckpointRead", code, index)?;
        let mut found = Vec::new();
        for (element, buffer) in vector.iter().zip(&buffers) {
            if buffer.as_ref().is_some_and(|it| element.readSize > it.len() as u64) {
                let text = format!("{} bytes were read into a smaller buffer", element.readSize);
                return Err(Error::new(ErrorCode::Library, text));
            }
            let bytes = match element.dataBuffer.is_null() {
                true => Vec::new(),
                // SAFETY: the library says that so many bytes are there.
                false => unsafe {
                    slice::from_raw_parts(
                        element.dataBuffer.cast::<u8>(),
                        element.readSize as usize,
                    )
                }
                .to_vec(),
            };
            if buffer.is_none() && !element.dataBuffer.is_null() {
                let free = self.functions.saCkptIOVectorElementDataFree()?;
                // SAFETY: from this library.
                let freed = unsafe { free(checkpoint, element.dataBuffer) };
                outcome("saCkptIOVectorElementDataFree", freed)?;
            }
            found.push(bytes.into());
        }
        Ok(Reply::Read(found))
    }

    /// The selection object.
    ///
    /// # Errors
    /// What the library returns.
    pub fn selection_object(&self, handle: u64) -> Outcome<u64> {
        let mut object = 0;
        // SAFETY: there is room for it.
        let code = unsafe { (self.functions.saCkptSelectionObjectGet()?)(handle, &raw mut object) };
        outcome("saCkptSelectionObjectGet", code).map(|()| object)
    }

    /// Dispatches, and says what was called back.
    ///
    /// # Errors
    /// What the library returns.
    pub fn dispatch(&self, handle: u64, flags: DispatchFlags) -> Outcome<Vec<Callback>> {
        TOLD.take();
        // SAFETY: numbers only.
        let code = unsafe { (self.functions.saCkptDispatch()?)(handle, number(flags)) };
        outcome("saCkptDispatch", code).map(|()| TOLD.take())
    }

    /// Ends a handle.
    ///
    /// # Errors
    /// What the library returns.
    pub fn finalize(&self, handle: u64) -> Outcome<()> {
        // SAFETY: numbers only.
        outcome("saCkptFinalize", unsafe { (self.functions.saCkptFinalize()?)(handle) })
    }
}

/// What a function with a vector returned; the index is written only if an element was at fault.
fn blamed(function: &str, code: u32, index: u32) -> Outcome<()> {
    outcome(function, code).map_err(|error| match index {
        u32::MAX => error,
        index => error.at(index),
    })
}

/// # Safety
/// The pointer is NULL or points to so many octets.
unsafe fn read_id(id: &SaCkptSectionIdT) -> SectionId {
    let octets = match id.id.is_null() {
        true => &[][..],
        // SAFETY: by contract.
        false => unsafe { slice::from_raw_parts(id.id, usize::from(id.idLen)) },
    };
    SectionId::new(octets).unwrap_or_else(|_| SectionId::none())
}

fn told(error: u32) -> Result<(), ErrorCode> {
    outcome("the callback", error).map_err(|Error { code, .. }| code)
}

unsafe extern "C" fn on_open(invocation: u64, checkpoint: u64, error: u32) {
    tell(Callback::Open { invocation, outcome: told(error).map(|()| checkpoint) });
}

unsafe extern "C" fn on_synchronize(invocation: u64, error: u32) {
    tell(Callback::Synchronize { invocation, checkpoint: 0, outcome: told(error) });
}

unsafe extern "C" fn on_track(checkpoint: u64, vector: *mut SaCkptIOVectorElementT, count: u32) {
    let element = |at: usize| {
        // SAFETY: the library passes so many elements.
        let it = unsafe { &*vector.add(at) };
        // SAFETY: their ids are good.
        let section = unsafe { read_id(&it.sectionId) };
        TrackElement { section, offset: it.dataOffset, size: it.dataSize }
    };
    tell(Callback::Track { checkpoint, elements: (0..count as usize).map(element).collect() });
}
