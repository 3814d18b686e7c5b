//! Bytes to handlers: one table for messages, one for queries. Generated code fills both.
use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    sync::Arc,
};

use prost::{Message, Name};

use crate::{Address, Ctx, Result, sdk};

type MsgFn = Box<dyn Fn(&mut Ctx, &[u8]) -> Result<Vec<u8>> + Send + Sync>;
type SignersFn = Box<dyn Fn(&[u8]) -> Result<Vec<Address>> + Send + Sync>;
type QueryFn = Box<dyn Fn(&Ctx, &[u8]) -> Result<Vec<u8>> + Send + Sync>;

/// A message's handler and whose signatures it needs.
pub struct MsgRoute {
    url: String,
    response: String,
    signers: SignersFn,
    run: MsgFn,
}

impl MsgRoute {
    /// Erases the types of one `Msg` service method.
    pub fn new<S: Send + Sync + 'static, M: Message + Name + Default + 'static, R: Message + Name + 'static>(
        server: &Arc<S>,
        signers: fn(&M) -> Result<Vec<Address>>,
        run: fn(&S, &mut Ctx, M) -> Result<R>,
    ) -> Self {
        let server = Arc::clone(server);
        Self {
            url: M::type_url(),
            response: R::type_url(),
            signers: Box::new(move |b| signers(&parse::<M>(b)?)),
            run: Box::new(move |ctx, b| Ok(run(&server, ctx, parse(b)?)?.encode_to_vec())),
        }
    }
}

/// A query's path and handler. It gets `&Ctx`: a query cannot write.
pub struct QueryRoute {
    path: &'static str,
    run: QueryFn,
}

impl QueryRoute {
    /// Erases the types of one `Query` service method.
    pub fn new<S: Send + Sync + 'static, Q: Message + Default + 'static, R: Message + 'static>(
        server: &Arc<S>,
        path: &'static str,
        run: fn(&S, &Ctx, Q) -> Result<R>,
    ) -> Self {
        let server = Arc::clone(server);
        Self { path, run: Box::new(move |ctx, b| Ok(run(&server, ctx, parse(b)?)?.encode_to_vec())) }
    }
}

/// The two tables of the whole app, and the hooks that higher modules give to lower ones.
#[derive(Default)]
pub struct Router {
    msgs: BTreeMap<String, MsgRoute>,
    queries: BTreeMap<&'static str, QueryRoute>,
    hooks: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Router {
    /// Adds a `Msg` service.
    ///
    /// # Panics
    /// If a message already has a handler: a fault of the wiring, found at start-up.
    pub fn msgs(&mut self, routes: Vec<MsgRoute>) -> &mut Self {
        for route in routes {
            let url = route.url.clone();
            assert!(self.msgs.insert(url.clone(), route).is_none(), "two handlers for {url}");
        }
        self
    }
    /// Adds a `Query` service.
    ///
    /// # Panics
    /// If a path already has a handler: a fault of the wiring, found at start-up.
    pub fn queries(&mut self, routes: Vec<QueryRoute>) -> &mut Self {
        for route in routes {
            let path = route.path;
            assert!(self.queries.insert(path, route).is_none(), "two handlers for {path}");
        }
        self
    }
    /// Registers a hook under its type, usually `Arc<dyn Trait>` of a lower module's trait.
    pub fn hook<H: Send + Sync + 'static>(&mut self, hook: H) -> &mut Self {
        let list = self.hooks.entry(TypeId::of::<H>()).or_insert_with(|| Box::new(Vec::<H>::new()));
        if let Some(list) = list.downcast_mut::<Vec<H>>() {
            list.push(hook);
        }
        self
    }
    /// The hooks of one type, in the order of their registration.
    #[must_use]
    pub fn hooks<H: Send + Sync + 'static>(&self) -> &[H] {
        self.hooks.get(&TypeId::of::<H>()).and_then(|l| l.downcast_ref::<Vec<H>>()).map_or(&[], Vec::as_slice)
    }
    /// Whose signatures the message needs, in order of first appearance. Empty for what only a block's proposer may include.
    pub fn signers(&self, url: &str, bytes: &[u8]) -> Result<Vec<Address>> {
        (self.msg(url)?.signers)(bytes)
    }
    /// Runs one message.
    pub fn execute(&self, ctx: &mut Ctx, url: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        (self.msg(url)?.run)(ctx, bytes)
    }
    /// The type URL of the message's response.
    pub fn response_url(&self, url: &str) -> Result<&str> {
        Ok(&self.msg(url)?.response)
    }
    /// Answers one query.
    pub fn query(&self, ctx: &Ctx, path: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let route = self.queries.get(path).ok_or_else(|| sdk::unknown_request("unknown query path"))?;
        (route.run)(ctx, bytes)
    }
    /// Every message with a handler.
    pub fn msg_urls(&self) -> impl Iterator<Item = &str> {
        self.msgs.keys().map(String::as_str)
    }
    /// Every query path with a handler.
    pub fn query_paths(&self) -> impl Iterator<Item = &'static str> {
        self.queries.keys().copied()
    }
    fn msg(&self, url: &str) -> Result<&MsgRoute> {
        self.msgs
            .get(url)
            .ok_or_else(|| sdk::unknown_request(format!("unrecognized message route: {}", url.chars().take(128).collect::<String>())))
    }
}

fn parse<M: Message + Default>(bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|e| sdk::invalid_request(format!("cannot decode the message: {e}")))
}
