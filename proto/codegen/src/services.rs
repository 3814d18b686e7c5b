//! `service Msg` and `service Query` turned into a trait to implement and a function that makes its routes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use prost_build::{Method, Service, ServiceGenerator};
use prost_reflect::{DescriptorPool, ServiceDescriptor};

use crate::signers::Signers;

/// How the two kinds of service differ.
struct Shape {
    ctx: &'static str,
    route: &'static str,
    function: &'static str,
}

const MSG: Shape = Shape { ctx: "&mut ::cairn_kernel::Ctx", route: "MsgRoute", function: "msg_routes" };
const QUERY: Shape = Shape { ctx: "&::cairn_kernel::Ctx", route: "QueryRoute", function: "query_routes" };

/// The shape of a service; none for those of other names, which are served by hand.
fn shape(service: &str) -> Option<&'static Shape> {
    match service {
        "Msg" => Some(&MSG),
        "Query" => Some(&QUERY),
        _ => None,
    }
}

/// Writes the traits.
pub(crate) struct Routes {
    /// By full name of a message: the statements that find its signers.
    signers: BTreeMap<String, String>,
}

impl Routes {
    /// Checks every `Msg` and `Query` service of `pool` and finds the signers of its messages.
    pub(crate) fn new(pool: &DescriptorPool) -> Result<Self> {
        let reader = Signers::new(pool)?;
        let mut signers = BTreeMap::new();
        for service in pool.services().filter(|s| shape(s.name()).is_some()) {
            check(&service)?;
            for method in service.methods().filter(|_| service.name() == "Msg") {
                let message = method.input();
                let body = reader.body(&message).with_context(|| format!("message of {}", method.full_name()))?;
                signers.insert(format!(".{}", message.full_name()), body);
            }
        }
        Ok(Self { signers })
    }

    fn route(&self, service: &Service, method: &Method) -> String {
        let Method { name, proto_name, input_type, .. } = method;
        let detail = match self.signers.get(&method.input_proto_type) {
            Some(body) => format!("|{}: &{input_type}| {body}", if body.contains("m.") { "m" } else { "_" }),
            None => format!("\"/{}.{}/{proto_name}\"", service.package, service.proto_name),
        };
        format!("{detail}, S::{name}")
    }
}

fn check(service: &ServiceDescriptor) -> Result<()> {
    for method in service.methods() {
        let streams = method.is_client_streaming() || method.is_server_streaming();
        ensure!(!streams, "{} streams: a handler takes one message and gives one", method.full_name());
    }
    Ok(())
}

impl ServiceGenerator for Routes {
    fn generate(&mut self, service: Service, out: &mut String) {
        let Some(Shape { ctx, route, function }) = shape(&service.proto_name) else { return };
        let name = format!("{}Server", service.name);
        let mut methods = String::new();
        let mut routes = String::new();
        for method in &service.methods {
            method.comments.append_with_indent(1, &mut methods);
            let signature = format!(
                "fn {}(&self, ctx: {ctx}, req: {}) -> ::cairn_kernel::Result<{}>;",
                method.name, method.input_type, method.output_type
            );
            methods.extend(["    ", &signature, "\n"]);
            routes.extend(["        ::cairn_kernel::", route, "::new(server, ", &self.route(&service, method), "),\n"]);
        }
        service.comments.append_with_indent(0, out);
        let text = format!(
            "pub trait {name}: Send + Sync + 'static {{\n{methods}}}\n\
             /// One route for each method of [`{name}`].\n\
             pub fn {function}<S: {name}>(server: &::std::sync::Arc<S>) -> Vec<::cairn_kernel::{route}> {{\n    Vec::from([\n{routes}    ])\n}}\n"
        );
        out.push_str(&text);
    }
}
