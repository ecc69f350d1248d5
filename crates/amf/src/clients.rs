//! The local part: the library handles of this node, their calls, and who waits for what.

use crate::command::Command;
use crate::error::Refusal;
use crate::service::Amf;
use crate::state::State;
use ais_service::{Caller, Output};
use ais_types::amf::{Answer, Api, Call, Callbacks, Recovery, Reply};
use ais_types::{ClientId, ErrorCode, Name, ProcessId, Version};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// The library handles of this node, and the calls that wait.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    open: BTreeMap<ClientId, Client>,
    /// Calls that wait for what becomes of an entry.
    waiting: BTreeMap<u64, Caller>,
    /// Questions whose negative answer waits for a barrier.
    doubts: BTreeMap<u64, (Caller, Doubt)>,
    last: u64,
}

#[derive(Debug)]
struct Client {
    version: Version,
    callbacks: Callbacks,
    component: Option<Name>,
    process: ProcessId,
}

/// What is asked of the own copy, which may be behind.
#[derive(Clone, Debug)]
enum Doubt {
    HaState { component: Name, csi: Name },
    Explain(Name),
}

impl Doubt {
    fn ask(&self, state: &State) -> Result<Reply, Refusal> {
        match self {
            Self::HaState { component, csi } => ha_state(state, component, csi),
            Self::Explain(object) if state.names.contains_key(object) => {
                Ok(Reply::Causes(state.ledger.causes(object)))
            }
            Self::Explain(object) => Err(Refusal::NoSuchObject(object.clone())),
        }
    }
}

fn ha_state(state: &State, component: &Name, csi: &Name) -> Result<Reply, Refusal> {
    let place =
        state.place(component).ok_or_else(|| Refusal::UnknownComponent(component.clone()))?;
    let it = state.component(place);
    if it.registered.is_none() {
        return Err(Refusal::NotRegistered(component.clone()));
    }
    let group = &state.groups[place.group];
    let index = group.csis.iter().position(|it| it.name == *csi);
    let refusal = || Refusal::NotAssigned { component: component.clone(), csi: csi.clone() };
    index.and_then(|csi| it.state(csi)).map(Reply::HaState).ok_or_else(refusal)
}

impl Amf {
    /// A program of this node asks.
    pub(crate) fn call(&mut self, caller: Caller, call: Call, out: &mut Vec<Output<Self>>) {
        if let Call::Initialize { version, api, callbacks, component } = call {
            let reply = self.initialize(caller, version, api, callbacks, component);
            out.push(Output::Reply(caller, reply.map_err(Into::into)));
            return;
        }
        let Some(client) = self.clients.open.get(&caller.client) else {
            out.push(Output::Reply(caller, Err(Refusal::NotInitialized.into())));
            return;
        };
        let request = self.clients.last + 1;
        match self.translate(client, caller, request, call) {
            Ok(Asked::Answer(reply)) => out.push(Output::Reply(caller, Ok(reply))),
            Ok(Asked::Order(command)) => {
                self.clients.last = request;
                self.clients.waiting.insert(request, caller);
                out.push(Output::Order(command));
            }
            Ok(Asked::Look(doubt)) => match doubt.ask(&self.state) {
                Ok(reply) => out.push(Output::Reply(caller, Ok(reply))),
                // It may have become so elsewhere a moment ago.
                Err(_) => {
                    self.clients.last = request;
                    self.clients.doubts.insert(request, (caller, doubt));
                    out.push(Output::Barrier(request));
                }
            },
            Err(refusal) => out.push(Output::Reply(caller, Err(refusal.into()))),
        }
    }

    fn initialize(
        &mut self,
        caller: Caller,
        version: Version,
        api: Api,
        callbacks: Callbacks,
        component: Option<Name>,
    ) -> Result<Reply, Refusal> {
        if self.clients.open.contains_key(&caller.client) {
            return Err(Refusal::InitializedTwice);
        }
        let offered = match version.negotiate(api.offered()) {
            Ok(offered) => offered,
            Err(unsupported) => return Ok(Reply::VersionRefused(unsupported.0)),
        };
        self.check_member(offered)?;
        let client = Client { version: offered, callbacks, component, process: caller.process };
        self.clients.open.insert(caller.client, client);
        Ok(Reply::Initialized(offered))
    }

    /// §7.2: processes of a node that is no member are not served.
    fn check_member(&self, version: Version) -> Result<(), Refusal> {
        let member = self.me.is_some_and(|me| self.state.view.contains(me));
        if member { Ok(()) } else { Err(Refusal::NoMember { since_b03: version.major >= 3 }) }
    }

    fn translate(
        &self,
        client: &Client,
        caller: Caller,
        request: u64,
        call: Call,
    ) -> Result<Asked, Refusal> {
        self.check_member(client.version)?;
        let since_b04 = client.version.major >= 4;
        let at = caller.client;
        let command = match call {
            Call::Initialize { .. } => return Err(Refusal::InitializedTwice),
            Call::ComponentNameGet => {
                let name = client.component.clone().ok_or(Refusal::NoComponentName)?;
                return Ok(Asked::Answer(Reply::ComponentName(name)));
            }
            Call::State => return Ok(Asked::Answer(Reply::State(self.state.report()))),
            Call::HaStateGet { component, csi } => {
                return Ok(Asked::Look(Doubt::HaState { component, csi }));
            }
            Call::Explain { object } => return Ok(Asked::Look(Doubt::Explain(object))),
            Call::Register { component, proxy } => {
                self.check_registration(client, &component, proxy.as_ref())?;
                let process = caller.process;
                Command::Register { request, component, client: at, process }
            }
            Call::Unregister { .. } if since_b04 => {
                return Err(Refusal::Version("saAmfComponentUnregister"));
            }
            Call::Unregister { proxy: Some(proxy), .. } => {
                return Err(Refusal::ProxyNotRegistered { proxy });
            }
            Call::Unregister { component, proxy: None } => {
                Command::Unregister { request: Some(request), component, client: at }
            }
            Call::Response { invocation, answer } => {
                let (number, ok) = answered(invocation, answer)?;
                Command::Answer { request, number, client: at, ok }
            }
            Call::QuiescingComplete { invocation, answer } => {
                let (number, ok) = answered(invocation, answer)?;
                Command::QuiescingComplete { request, number, client: at, ok }
            }
            Call::ErrorReport { component, detected: _, recovery } => {
                let seen = format!("{} reported an error on {component}", caller.process);
                let recovery = recommended(&component, recovery, since_b04)?;
                Command::Error { request: Some(request), component, recovery, seen }
            }
            Call::ErrorClear { component } => return Err(self.error_clear(component)),
            Call::HealthcheckStart { .. }
            | Call::HealthcheckConfirm { .. }
            | Call::HealthcheckStop { .. } => return unsupported("a healthcheck"),
            Call::PmStart { .. } | Call::PmStop { .. } => {
                return unsupported("passive monitoring on request");
            }
            Call::ProtectionGroupTrack { .. } => {
                return unsupported("tracking of protection groups");
            }
            Call::Admin { object, operation } => Command::Admin { request, object, operation },
            Call::LoadModel(model) => {
                crate::check(&model).map_err(|it| Refusal::BadModel(it.to_string()))?;
                Command::Load { request: Some(request), model }
            }
        };
        Ok(Asked::Order(command))
    }

    fn check_registration(
        &self,
        client: &Client,
        component: &Name,
        proxy: Option<&Name>,
    ) -> Result<(), Refusal> {
        let callbacks = client.callbacks;
        let needed = [
            (callbacks.terminate, "ComponentTerminate"),
            (callbacks.csi_set, "CSISet"),
            (callbacks.csi_remove, "CSIRemove"),
        ];
        if let Some((_, missing)) = needed.iter().find(|(there, _)| !there) {
            return Err(Refusal::NoCallback("saAmfComponentRegister", missing));
        }
        if self.state.place(component).is_none() {
            return Err(Refusal::NoSuchComponent(component.clone()));
        }
        if let Some(proxy) = proxy {
            let place = self.state.place(proxy);
            let registered = place.is_some_and(|it| self.state.component(it).registered.is_some());
            return Err(if registered {
                Refusal::NotProxied(component.clone())
            } else {
                Refusal::ProxyNotRegistered { proxy: proxy.clone() }
            });
        }
        if client.component.as_ref() != Some(component) {
            return Err(Refusal::OtherComponent { component: component.clone() });
        }
        Ok(())
    }

    fn error_clear(&self, component: Name) -> Refusal {
        use ais_types::amf::OperationalState::Enabled;
        let Some(place) = self.state.place(&component) else {
            return Refusal::UnknownComponent(component);
        };
        let it = self.state.component(place);
        match it.operational {
            Enabled => Refusal::NoError(component),
            ais_types::amf::OperationalState::Disabled => {
                Refusal::NotStarted { component, presence: it.presence }
            }
        }
    }

    /// What a caller waited for is decided.
    pub(crate) fn decided(
        &mut self,
        request: u64,
        result: Result<(), Refusal>,
        out: &mut Vec<Output<Self>>,
    ) {
        let Some(caller) = self.clients.waiting.remove(&request) else { return };
        let old = self.clients.open.get(&caller.client).is_some_and(|it| it.version.major < 4);
        let result = match result {
            // Up to B.03 there is one code for all bad invocations.
            Err(Refusal::UnknownInvocation(number)) if old => Err(Refusal::WrongInvocation(number)),
            other => other,
        };
        out.push(Output::Reply(caller, result.map(|()| Reply::Done).map_err(Into::into)));
    }

    /// A question that was in doubt can be answered.
    pub(crate) fn settled_doubt(&mut self, number: u64, out: &mut Vec<Output<Self>>) {
        if let Some((caller, doubt)) = self.clients.doubts.remove(&number) {
            out.push(Output::Reply(caller, doubt.ask(&self.state).map_err(Into::into)));
        }
    }

    /// Nobody waits for the call any more.
    pub(crate) fn cancelled(&mut self, caller: Caller) {
        self.clients.waiting.retain(|_, it| *it != caller);
        self.clients.doubts.retain(|_, (it, _)| *it != caller);
    }

    /// A session ended while its process lives: what is registered with it is not any more.
    pub(crate) fn closed(&mut self, client: ClientId, out: &mut Vec<Output<Self>>) {
        self.clients.forget(|it, _| *it == client);
        let ours = |it: &&crate::state::Component| {
            it.registered.is_some_and(|registered| registered.client == client)
        };
        let groups = self.state.groups.iter();
        for it in groups.flat_map(|it| it.components()).map(|(_, _, it)| it).filter(ours) {
            let component = it.spec.name.clone();
            out.push(Output::Order(Command::Unregister { request: None, component, client }));
        }
    }

    /// A process of this node has ended, and its sessions with it.
    pub(crate) fn process_gone(&mut self, process: ProcessId) {
        self.clients.forget(|_, it| it.process == process);
    }
}

impl Clients {
    fn forget(&mut self, gone: impl Fn(&ClientId, &Client) -> bool) {
        self.open.retain(|id, it| !gone(id, it));
        let open = &self.open;
        self.waiting.retain(|_, caller| open.contains_key(&caller.client));
        self.doubts.retain(|_, (caller, _)| open.contains_key(&caller.client));
    }
}

/// What a call leads to.
enum Asked {
    Answer(Reply),
    Order(Command),
    Look(Doubt),
}

fn unsupported(what: &str) -> Result<Asked, Refusal> {
    Err(Refusal::NotSupported(what.to_string()))
}

fn answered(invocation: u64, answer: Answer) -> Result<(u64, bool), Refusal> {
    match (invocation, answer) {
        (0, _) => Err(Refusal::WrongInvocation(0)),
        (_, None) => Ok((invocation, true)),
        (_, Some(ErrorCode::FailedOperation)) => Ok((invocation, false)),
        (_, Some(other)) => Err(Refusal::WrongAnswer(other)),
    }
}

fn recommended(component: &Name, number: u32, since_b04: bool) -> Result<Recovery, Refusal> {
    use Recovery::{
        ApplicationRestart, ClusterReset, ComponentFailover, ComponentRestart, ContainerRestart,
        NoRecommendation, NodeFailfast, NodeFailover, NodeSwitchover,
    };
    let recovery =
        Recovery::from_number(number).ok_or(Refusal::NoSuchRecovery { number, since_b04 })?;
    match recovery {
        NoRecommendation | ComponentRestart | ComponentFailover => Ok(recovery),
        ContainerRestart => Err(Refusal::NotContained(component.clone())),
        NodeSwitchover | NodeFailover | NodeFailfast | ClusterReset | ApplicationRestart => {
            Err(Refusal::NotSupported(format!("recovery {recovery}")))
        }
    }
}
