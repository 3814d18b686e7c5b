//! gRPC server reflection, `v1` and `v1alpha`, which share one wire format. Descriptors go out as they are embedded, so that custom options
//! (REST paths, signers, amino names) reach the client.
use std::{
    collections::BTreeSet,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
};

use prost::{Message, Oneof};
use prost_reflect::{DescriptorPool, FileDescriptor};
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Status, Streaming, server::StreamingService};

use super::doors::Doors;

/// Both versions of the one method.
pub(super) const PATHS: [&str; 2] =
    ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"];

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 6, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    FileByName(String),
    #[prost(string, tag = "4")]
    FileOfSymbol(String),
    #[prost(message, tag = "5")]
    FileOfExtension(Extension),
    #[prost(string, tag = "6")]
    ExtensionsOf(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(string, tag = "1")]
    of: String,
    #[prost(int32, tag = "2")]
    number: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(message, optional, tag = "2")]
    request: Option<Request>,
    #[prost(oneof = "Reply", tags = "4, 5, 6, 7")]
    reply: Option<Reply>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Reply {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "5")]
    Extensions(Extensions),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Refused(Refused),
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    descriptors: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Extensions {
    #[prost(string, tag = "1")]
    of: String,
    #[prost(int32, repeated, tag = "2")]
    numbers: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Refused {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    text: String,
}

/// Answers a stream of questions about the descriptors.
pub(super) struct Reflection(pub(super) Arc<Doors>);

impl StreamingService<Vec<u8>> for Reflection {
    type Response = Vec<u8>;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Vec<u8>>>) -> Self::Future {
        let doors = Arc::clone(&self.0);
        #[allow(clippy::result_large_err, reason = "the stream's item is tonic's")]
        let answers = request.into_inner().map(move |question| {
            let request = Request::decode(question?.as_slice()).map_err(|e| Status::invalid_argument(e.to_string()))?;
            Ok(respond(doors.dialect.pool(), &doors.served, request).encode_to_vec())
        });
        ready(Ok(tonic::Response::new(Box::pin(answers))))
    }
}

fn respond(pool: &DescriptorPool, served: &BTreeSet<String>, request: Request) -> Response {
    let file = |found: Option<FileDescriptor>| found.map(|f| Reply::Files(Files { descriptors: vec![f.encode_to_vec()] }));
    let reply = match &request.question {
        Some(Question::FileByName(name)) => file(pool.get_file_by_name(name)),
        Some(Question::FileOfSymbol(name)) => file(file_of_symbol(pool, name.trim_start_matches('.'))),
        Some(Question::FileOfExtension(e)) => file(file_of_extension(pool, e)),
        Some(Question::ExtensionsOf(of)) => extensions_of(pool, of),
        Some(Question::Services(_)) => Some(Reply::Services(Services { services: services(pool, served) })),
        None => None,
    };
    let refused = || Reply::Refused(Refused { code: i32::from(Code::NotFound), text: "not found".to_owned() });
    Response { host: request.host.clone(), reply: Some(reply.unwrap_or_else(refused)), request: Some(request) }
}

/// Services with at least one method that is answered.
fn services(pool: &DescriptorPool, served: &BTreeSet<String>) -> Vec<Service> {
    let is_served = |name: &str| {
        let prefix = format!("/{name}/");
        served.range(prefix.clone()..).next().is_some_and(|path| path.starts_with(&prefix))
    };
    pool.services().map(|s| s.full_name().to_owned()).filter(|n| is_served(n)).map(|name| Service { name }).collect()
}

/// The file that declares a message, enum, service or extension, or a part of one of these.
fn file_of_symbol(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let whole = |name: &str| {
        let message = pool.get_message_by_name(name).map(|m| m.parent_file());
        let enumeration = || pool.get_enum_by_name(name).map(|e| e.parent_file());
        let service = || pool.get_service_by_name(name).map(|s| s.parent_file());
        let extension = || pool.get_extension_by_name(name).map(|e| e.parent_file());
        message.or_else(enumeration).or_else(service).or_else(extension)
    };
    whole(name).or_else(|| {
        let (parent, part) = name.rsplit_once('.')?;
        let in_message = pool.get_message_by_name(parent).is_some_and(|m| m.get_field_by_name(part).is_some());
        let in_service = || pool.get_service_by_name(parent).is_some_and(|s| s.methods().any(|m| m.name() == part));
        let in_enum = || pool.get_enum_by_name(parent).is_some_and(|e| e.get_value_by_name(part).is_some());
        (in_message || in_service() || in_enum()).then(|| whole(parent)).flatten()
    })
}

fn file_of_extension(pool: &DescriptorPool, wanted: &Extension) -> Option<FileDescriptor> {
    let number = u32::try_from(wanted.number).ok()?;
    Some(pool.get_message_by_name(&wanted.of)?.get_extension(number)?.parent_file())
}

fn extensions_of(pool: &DescriptorPool, of: &str) -> Option<Reply> {
    let numbers = pool.get_message_by_name(of)?.extensions().filter_map(|e| i32::try_from(e.number()).ok()).collect();
    Some(Reply::Extensions(Extensions { of: of.to_owned(), numbers }))
}

#[cfg(test)]
mod tests {
    use prost_reflect::Value;

    use super::*;
    use crate::api::json::Dialect;

    fn ask(question: Question) -> Reply {
        let served = BTreeSet::from(["/cosmos.bank.v1beta1.Query/Balance".to_owned()]);
        respond(Dialect::cairn().pool(), &served, Request { host: "h".into(), question: Some(question) }).reply.unwrap()
    }

    fn files(question: Question) -> Vec<u8> {
        match ask(question) {
            Reply::Files(mut f) => f.descriptors.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lists_only_what_is_served() {
        let Reply::Services(list) = ask(Question::Services(String::new())) else { panic!() };
        assert_eq!(list.services, [Service { name: "cosmos.bank.v1beta1.Query".into() }]);
    }

    #[test]
    fn finds_the_file_of_any_symbol() {
        let wanted = files(Question::FileByName("cosmos/bank/v1beta1/query.proto".into()));
        for name in [
            "cosmos.bank.v1beta1.Query",
            ".cosmos.bank.v1beta1.Query",
            "cosmos.bank.v1beta1.Query.Balance",
            "cosmos.bank.v1beta1.QueryBalanceRequest",
            "cosmos.bank.v1beta1.QueryBalanceRequest.denom",
        ] {
            assert_eq!(files(Question::FileOfSymbol(name.into())), wanted, "{name}");
        }
        let annotations = files(Question::FileOfSymbol("google.api.http".into()));
        assert_eq!(
            annotations,
            files(Question::FileOfExtension(Extension { of: "google.protobuf.MethodOptions".into(), number: 72_295_728 }))
        );
    }

    #[test]
    fn descriptors_keep_their_custom_options() {
        // A pool of nothing but what reflection sent must still know the REST path.
        let mut pool = DescriptorPool::new();
        add(&mut pool, "cosmos/bank/v1beta1/query.proto");
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        let service = pool.get_service_by_name("cosmos.bank.v1beta1.Query").unwrap();
        let balance = service.methods().find(|m| m.name() == "Balance").unwrap();
        let rule = balance.options().get_extension(&http).into_owned();
        let get = rule.as_message().unwrap().get_field_by_name("get").unwrap().into_owned();
        assert_eq!(get, Value::String("/cosmos/bank/v1beta1/balances/{address}/by_denom".into()));
    }

    fn add(pool: &mut DescriptorPool, name: &str) {
        if pool.get_file_by_name(name).is_some() {
            return;
        }
        let bytes = files(Question::FileByName(name.into()));
        let file = prost_types::FileDescriptorProto::decode(bytes.as_slice()).unwrap();
        file.dependency.iter().for_each(|d| add(pool, d));
        pool.decode_file_descriptor_proto(bytes.as_slice()).unwrap();
    }

    #[test]
    fn extension_numbers_of_a_message() {
        let Reply::Extensions(found) = ask(Question::ExtensionsOf("google.protobuf.MethodOptions".into())) else { panic!() };
        assert!(found.numbers.contains(&72_295_728));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for question in [
            Question::FileByName("x.proto".into()),
            Question::FileOfSymbol("a.B".into()),
            Question::FileOfSymbol("cosmos.bank.v1beta1.Query.Nothing".into()),
            Question::FileOfSymbol(String::new()),
            Question::FileOfExtension(Extension { of: "google.protobuf.MethodOptions".into(), number: -1 }),
            Question::ExtensionsOf("a.B".into()),
        ] {
            assert_eq!(ask(question), Reply::Refused(Refused { code: 5, text: "not found".into() }));
        }
    }
}
