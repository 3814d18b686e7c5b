//! `cairnd tx` and `cairnd query`: a command for every message and every query, built from the descriptors. A new message needs no line here.
mod values;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use cairn_kernel::Address;
use cairn_staking::operator_text;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor};
use serde_json::{Map, Value, json};

use super::about;
use crate::api::json::Dialect;
use values::{argument, page, page_args};

/// Messages within messages are explained as deep as this.
const MAX_SHAPE: usize = 4;

/// One method with what the command line must know of it.
#[derive(Clone)]
pub(crate) struct Method {
    /// The method itself.
    pub(crate) descriptor: MethodDescriptor,
    /// Fields of the request that the signer fills.
    signers: Vec<String>,
    /// Fields that are given by position: those in the path of the REST route.
    positional: Vec<String>,
    /// What the `.proto` says of it.
    about: String,
}

impl Method {
    fn new(dialect: &Dialect, descriptor: MethodDescriptor) -> Self {
        let input = descriptor.input();
        let signers = option_list(dialect, &input, "cosmos.msg.v1.signer");
        let positional = path_fields(dialect, &descriptor);
        let said = comment(&descriptor).or_else(|| about::request(input.full_name()).map(str::to_owned));
        let about = said.unwrap_or_else(|| format!("{}.", input.full_name()));
        Self { descriptor, signers, positional, about }
    }
    /// `BuyLicense` becomes `buy-license`.
    fn command_name(&self) -> String {
        kebab(self.descriptor.name())
    }
    /// The fields that the caller gives, in order.
    fn arguments(&self) -> impl Iterator<Item = FieldDescriptor> + '_ {
        let input = self.descriptor.input();
        let fields: Vec<FieldDescriptor> = input.fields().collect();
        fields.into_iter().filter(|f| !self.signers.iter().any(|s| s == f.name()))
    }
    fn command(&self) -> Command {
        let (first, rest) = self.about.split_once(". ").unwrap_or((self.about.as_str(), ""));
        let mut command = Command::new(self.command_name()).about(first.trim_end_matches('.').to_owned());
        if !rest.is_empty() {
            command = command.long_about(self.about.clone());
        }
        for field in self.arguments() {
            command = if is_page(&field) { command.args(page_args()) } else { command.arg(self.arg(&field)) };
        }
        command
    }
    fn arg(&self, field: &FieldDescriptor) -> Arg {
        let mut arg = Arg::new(id(field)).value_name(placeholder(field)).help(field_help(field));
        if let Kind::Message(m) = field.kind()
            && !is_coin(&m)
        {
            arg = arg.long_help(format!("{}\n{}", field_help(field), shape(&m, 1)));
        }
        arg = match self.positional.iter().position(|p| p == field.name()) {
            Some(i) => arg.index(i.saturating_add(1)).required(true).value_name(field.name().to_uppercase()),
            None => arg.long(kebab(field.name())).required(self.is_needed(field)),
        };
        match field.kind() {
            Kind::Bool if !field.is_list() => arg.action(ArgAction::SetTrue).value_name("").num_args(0),
            Kind::Message(m) if field.is_list() && is_coin(&m) => arg,
            _ if field.is_list() => arg.action(ArgAction::Append),
            _ => arg,
        }
    }
    /// Whether a field that does not stand in the path must be given all the same: no query makes sense of an empty denomination.
    fn is_needed(&self, field: &FieldDescriptor) -> bool {
        self.signers.is_empty() && self.descriptor.parent_service().name() == "Query" && field.name() == "denom"
    }
    /// What the caller calls a field.
    fn shown(&self, field: &FieldDescriptor) -> String {
        let positional = self.positional.iter().any(|p| p == field.name());
        if positional { field.name().to_uppercase() } else { format!("--{}", kebab(field.name())) }
    }
    /// The request as JSON in the REST dialect, the signer's fields set to `signer`.
    pub(crate) fn request(&self, matches: &ArgMatches, signer: Option<&str>) -> Result<Value> {
        let mut out = Map::new();
        let input = self.descriptor.input();
        for name in &self.signers {
            let signer = signer.context("a signer is needed")?;
            let operator = input.get_field_by_name(name).is_some_and(|field| names_operator(&field));
            let text = if operator { operator_text(&Address::parse(signer)?) } else { signer.to_owned() };
            out.insert(name.clone(), json!(text));
        }
        for field in self.arguments() {
            if is_page(&field) {
                out.insert(field.name().to_owned(), page(matches));
            } else if let Some(value) = argument(&field, matches).with_context(|| self.shown(&field))? {
                out.insert(field.name().to_owned(), value);
            }
        }
        Ok(Value::Object(out))
    }
}

/// Every served method of the services called `service`, by module and command name.
pub(crate) struct Tree(BTreeMap<String, BTreeMap<String, Method>>);

impl Tree {
    /// The methods of every `service` (`Msg` or `Query`) for which `served` holds.
    pub(crate) fn new(service: &str, served: impl Fn(&MethodDescriptor) -> bool) -> Self {
        let dialect = Dialect::cairn();
        let mut tree: BTreeMap<String, BTreeMap<String, Method>> = BTreeMap::new();
        let services: Vec<ServiceDescriptor> = dialect.pool().services().filter(|s| s.name() == service).collect();
        for method in services.iter().flat_map(|s| s.methods().collect::<Vec<_>>()).filter(|m| served(m)) {
            let package = method.parent_service().parent_file().package_name().to_owned();
            let module = package.split('.').nth(1).unwrap_or(&package).to_owned();
            let method = Method::new(dialect, method);
            // Where a module serves two versions of a service, the first one keeps the name.
            tree.entry(module).or_default().entry(method.command_name()).or_insert(method);
        }
        Self(tree)
    }
    /// `root` with a subcommand a module and, below, one a method.
    pub(crate) fn command(&self, mut root: Command) -> Command {
        root = root.subcommand_required(true).arg_required_else_help(true);
        for (module, methods) in &self.0 {
            let mut command =
                Command::new(module.clone()).about(format!("The module {module}")).subcommand_required(true).arg_required_else_help(true);
            for method in methods.values() {
                command = command.subcommand(method.command());
            }
            root = root.subcommand(command);
        }
        root
    }
    /// The method that the matches of [`Tree::command`] name, and its own matches.
    pub(crate) fn find<'a, 'm>(&'a self, matches: &'m ArgMatches) -> Result<(&'a Method, &'m ArgMatches)> {
        let found = matches.subcommand().and_then(|(module, m)| {
            let (name, inner) = m.subcommand()?;
            Some((self.0.get(module)?.get(name)?, inner))
        });
        found.context("no such command")
    }
}

/// `AddressByID` becomes `address-by-id`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    let mut after_capital = true;
    for c in name.chars() {
        if c.is_ascii_uppercase() && !after_capital {
            out.push('-');
        }
        after_capital = c.is_ascii_uppercase();
        out.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    out
}

/// The id of a field's argument: no field may meet an option that every command has, such as `height` or `version`.
fn id(field: &FieldDescriptor) -> String {
    format!("field {}", field.name())
}

fn option_list(dialect: &Dialect, message: &MessageDescriptor, extension: &str) -> Vec<String> {
    let Some(extension) = dialect.pool().get_extension_by_name(extension) else { return Vec::new() };
    let options = message.options();
    let values = options.get_extension(&extension);
    values.as_list().map(|l| l.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// Whether a field holds a validator's operator: an account written with another prefix.
fn names_operator(field: &FieldDescriptor) -> bool {
    let scalar = Dialect::cairn().pool().get_extension_by_name("cosmos_proto.scalar");
    scalar.is_some_and(|scalar| field.options().get_extension(&scalar).as_str() == Some("cosmos.ValidatorAddressString"))
}

/// The names between braces in the method's REST path, without `=**`.
fn path_fields(dialect: &Dialect, method: &MethodDescriptor) -> Vec<String> {
    let Some(http) = dialect.pool().get_extension_by_name("google.api.http") else { return Vec::new() };
    let options = method.options();
    let rule = options.get_extension(&http);
    let path = rule.as_message().and_then(|r| r.get_field_by_name("get").and_then(|v| v.as_str().map(str::to_owned)));
    let path = path.unwrap_or_default();
    path.split('{').skip(1).filter_map(|p| p.split(['}', '=']).next()).map(str::to_owned).collect()
}

/// What stands above the declaration in the `.proto`, as one line.
fn comment(method: &MethodDescriptor) -> Option<String> {
    comment_at(&method.parent_service().parent_file(), method.path())
}

fn comment_at(file: &prost_reflect::FileDescriptor, path: &[i32]) -> Option<String> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let text = info.location.iter().find(|l| l.path == path)?.leading_comments();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

fn is_page(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(m) if m.full_name() == "cosmos.base.query.v1beta1.PageRequest")
}

fn is_coin(message: &MessageDescriptor) -> bool {
    message.full_name() == "cosmos.base.v1beta1.Coin"
}

fn placeholder(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(m) if is_coin(&m) && field.is_list() => "COINS".into(),
        Kind::Message(m) if is_coin(&m) => "COIN".into(),
        Kind::Message(_) => "JSON".into(),
        Kind::Enum(_) => "NAME".into(),
        Kind::Bytes => "BYTES".into(),
        Kind::Bool => String::new(),
        Kind::String if field.name() == "denom" => "DENOM".into(),
        Kind::String => "TEXT".into(),
        _ => "NUMBER".into(),
    }
}

fn said_of(field: &FieldDescriptor) -> String {
    let written = comment_at(&field.parent_message().parent_file(), field.path());
    written.or_else(|| about::field(field.full_name()).map(str::to_owned)).unwrap_or_default()
}

/// The fields of a message that is given as JSON, one a line, those of messages within it indented.
fn shape(message: &MessageDescriptor, depth: usize) -> String {
    let mut out = String::new();
    for field in message.fields() {
        let many = if field.is_list() { "[]" } else { "" };
        let kind = match field.kind() {
            Kind::Message(m) if is_coin(&m) => "{\"denom\", \"amount\"}".to_owned(),
            Kind::Message(_) => "{..}".to_owned(),
            Kind::Enum(e) => enum_names(&e).join(" | "),
            Kind::Bytes => "base64".to_owned(),
            Kind::Bool => "true | false".to_owned(),
            Kind::String => "text".to_owned(),
            _ => "number".to_owned(),
        };
        let line = format!("{}\"{}\": {kind}{many}   {}", "  ".repeat(depth), field.name(), said_of(&field));
        out.push_str(line.trim_end());
        out.push('\n');
        if let Kind::Message(m) = field.kind()
            && !is_coin(&m)
            && depth < MAX_SHAPE
        {
            out.push_str(&shape(&m, depth.saturating_add(1)));
        }
    }
    out
}

fn field_help(field: &FieldDescriptor) -> String {
    let said = said_of(field);
    let form = match field.kind() {
        Kind::Message(m) if is_coin(&m) && field.is_list() => "such as 10ucairn,5abc".to_owned(),
        Kind::Message(m) if is_coin(&m) => "such as 10ucairn".to_owned(),
        Kind::Message(m) => format!("{} as JSON, or @file", m.name()),
        Kind::Enum(e) => format!("one of {}", enum_names(&e).join(", ")),
        Kind::Bytes => "hexadecimal, base64, or @file".to_owned(),
        _ => String::new(),
    };
    let many = if field.is_list() && form != "such as 10ucairn,5abc" { "may be given many times" } else { "" };
    let extra: Vec<&str> = [form.as_str(), many].into_iter().filter(|s| !s.is_empty()).collect();
    if extra.is_empty() { said } else { format!("{said} [{}]", extra.join("; ")).trim().to_owned() }
}

fn enum_names(e: &EnumDescriptor) -> Vec<String> {
    e.values().map(|v| v.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(service: &str) -> Tree {
        Tree::new(service, |_| true)
    }

    #[test]
    fn a_message_becomes_a_command_with_its_signer_filled_in() {
        let tree = tree("Msg");
        let command = tree.command(Command::new("tx"));
        let args = ["tx", "bank", "send", "--to-address", "cairn1x", "--amount", "5ucairn,3abc"];
        let matches = command.try_get_matches_from(args).unwrap();
        let (method, inner) = tree.find(&matches).unwrap();
        assert_eq!(method.descriptor.input().full_name(), "cosmos.bank.v1beta1.MsgSend");
        let request = method.request(inner, Some("cairn1me")).unwrap();
        assert_eq!(
            request,
            json!({ "from_address": "cairn1me", "to_address": "cairn1x", "amount": [
            { "denom": "abc", "amount": "3" }, { "denom": "ucairn", "amount": "5" }] })
        );
    }

    #[test]
    fn an_operator_signs_as_such() {
        let tree = tree("Msg");
        let matches = tree.command(Command::new("tx")).try_get_matches_from(["tx", "slashing", "unjail"]).unwrap();
        let (method, inner) = tree.find(&matches).unwrap();
        let operator = Address::module("operator");
        let request = method.request(inner, Some(&operator.to_string())).unwrap();
        assert_eq!(request, json!({ "validator_addr": operator_text(&operator) }));
    }

    #[test]
    fn a_query_takes_the_fields_of_its_path_by_position() {
        let tree = tree("Query");
        let args = ["query", "bank", "all-balances", "cairn1x", "--limit", "7", "--reverse"];
        let matches = tree.command(Command::new("query")).try_get_matches_from(args).unwrap();
        let (method, inner) = tree.find(&matches).unwrap();
        let request = method.request(inner, None).unwrap();
        assert_eq!(request.pointer("/address").unwrap(), "cairn1x");
        assert_eq!(request.pointer("/pagination/limit").unwrap(), "7");
        assert_eq!(request.pointer("/pagination/reverse").unwrap(), true);
        Dialect::cairn().decode(&method.descriptor.input(), &request).unwrap();
    }

    #[test]
    fn a_message_given_as_json_is_explained() {
        let message = Dialect::cairn().pool().get_message_by_name("cairn.licensing.v1.MsgOfferTerms").unwrap();
        let shape = shape(&message, 1);
        assert!(shape.contains("\n    \"prices\": {\"denom\", \"amount\"}[]"), "{shape}");
        assert!(shape.contains("\n      \"train\": true | false"), "{shape}");
    }

    #[test]
    fn every_command_is_well_formed() {
        tree("Msg").command(Command::new("tx")).debug_assert();
        tree("Query").command(Command::new("query")).debug_assert();
    }

    #[test]
    fn a_denomination_that_is_missing_is_named() {
        let tree = tree("Query");
        let refused = |args: &[&str]| tree.command(Command::new("query")).try_get_matches_from(args).unwrap_err().to_string();
        let text = refused(&["query", "bank", "balance", "cairn1x"]);
        assert!(text.contains("--denom <DENOM>") && text.contains("required"), "{text}");
        let matches = tree.command(Command::new("query")).try_get_matches_from(["query", "bank", "denom-metadata", "ucairn"]).unwrap();
        assert_eq!(tree.find(&matches).unwrap().0.request(tree.find(&matches).unwrap().1, None).unwrap()["denom"], "ucairn");
    }

    #[test]
    fn commands_are_named_in_lower_case() {
        assert_eq!((kebab("AllBalances").as_str(), kebab("AddressByID").as_str()), ("all-balances", "address-by-id"));
    }
}
