//! Who signs a message: `option (cosmos.msg.v1.signer)` turned into a Rust expression.

use anyhow::{Context, Result, bail, ensure};
use prost_reflect::{DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// Messages that no account signs. The block's proposer puts them there; they are refused from the mempool.
const UNSIGNED: &[&str] = &["cairn.beacon.v1.MsgRevealBeacon"];

/// How the address of an account is parsed: a call, up to its last argument.
const ACCOUNT: &str = "parse(";
/// How the address of a validator's operator is parsed: the same bytes under another prefix.
const OPERATOR: &str = "parse_with(\"cairnvaloper\", ";

/// Reads the options that say who signs.
pub(crate) struct Signers {
    signer: ExtensionDescriptor,
    scalar: ExtensionDescriptor,
}

impl Signers {
    pub(crate) fn new(pool: &DescriptorPool) -> Result<Self> {
        let extension = |name: &str| pool.get_extension_by_name(name).with_context(|| format!("no option {name} in the descriptors"));
        Ok(Self { signer: extension("cosmos.msg.v1.signer")?, scalar: extension("cosmos_proto.scalar")? })
    }

    /// The body of a closure from `m` to its signers, in the order of the option.
    ///
    /// # Errors
    /// No signer named (and the message is not on the list of those without), or one that is not an address.
    pub(crate) fn body(&self, message: &MessageDescriptor) -> Result<String> {
        let fields = self.fields(message)?;
        if UNSIGNED.contains(&message.full_name()) {
            ensure!(fields.is_empty(), "{} is listed as unsigned but names a signer", message.full_name());
            return Ok("Ok(Vec::new())".to_owned());
        }
        ensure!(!fields.is_empty(), "{} names no signer: add option (cosmos.msg.v1.signer)", message.full_name());
        if let Some(addresses) = fields.iter().map(|f| self.address(f, "m")).collect::<Option<Vec<_>>>() {
            return Ok(format!("Ok(Vec::from([{}]))", addresses.join(", ")));
        }
        Ok(format!("{{ let mut signers = Vec::new(); {} Ok(signers) }}", self.pushes(message, "m", 0)?))
    }

    /// Statements that push the signers named by `message`'s option; `value` is the expression that holds it.
    fn pushes(&self, message: &MessageDescriptor, value: &str, depth: u8) -> Result<String> {
        let fields = self.fields(message)?;
        ensure!(!fields.is_empty(), "{} is named as a signer but names none itself", message.full_name());
        let mut out = String::new();
        for field in fields {
            if let Some(address) = self.address(&field, value) {
                out.push_str(&format!("signers.push({address});"));
                continue;
            }
            let Kind::Message(inner) = field.kind() else { bail!("signer {} is not an address", field.full_name()) };
            ensure!(!field.is_map(), "signer {} is a map", field.full_name());
            let (name, item) = (field.name(), format!("m{depth}"));
            let body = self.pushes(&inner, &item, depth.saturating_add(1))?;
            // A repeated field and an optional one are both walked by `for`.
            out.push_str(&format!("for {item} in &{value}.{name} {{ {body} }}"));
        }
        Ok(out)
    }

    /// The expression that parses `field` of `value`, if it is one string.
    fn address(&self, field: &FieldDescriptor, value: &str) -> Option<String> {
        if field.kind() != Kind::String || field.is_list() {
            return None;
        }
        let options = field.options();
        let scalar = options.get_extension(&self.scalar);
        let prefix = if scalar.as_str() == Some("cosmos.ValidatorAddressString") { OPERATOR } else { ACCOUNT };
        Some(format!("::cairn_kernel::Address::{prefix}&{value}.{})?", field.name()))
    }

    /// The fields that `message`'s option names.
    fn fields(&self, message: &MessageDescriptor) -> Result<Vec<FieldDescriptor>> {
        let options = message.options();
        let names = options.get_extension(&self.signer);
        let names = names.as_list().unwrap_or_default().iter().filter_map(|name| name.as_str());
        names.map(|name| message.get_field_by_name(name).with_context(|| format!("{} has no field {name}", message.full_name()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use protox::{
        Compiler,
        file::{ChainFileResolver, DescriptorSetFileResolver, File, FileResolver},
    };

    use super::*;

    /// The file `t.proto` of a test: package and imports, then this text.
    struct Text(&'static str);

    impl FileResolver for Text {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            let head = r#"syntax = "proto3"; package t; import "cosmos/msg/v1/msg.proto"; import "cosmos_proto/cosmos.proto";"#;
            if name == "t.proto" { File::from_source(name, &format!("{head}{}", self.0)) } else { Err(protox::Error::file_not_found(name)) }
        }
    }

    /// The closure's body for message `M` of `text`.
    fn body(text: &'static str) -> Result<String> {
        let cosmos = std::fs::read(crate::proto_dir().join("descriptors/cosmos.binpb"))?;
        let mut resolver = ChainFileResolver::new();
        resolver.add(Text(text));
        resolver.add(DescriptorSetFileResolver::decode(cosmos.as_slice())?);
        let mut compiler = Compiler::with_file_resolver(resolver);
        compiler.open_file("t.proto")?;
        let pool = compiler.descriptor_pool();
        Signers::new(&pool)?.body(&pool.get_message_by_name("t.M").context("t.M")?)
    }

    fn refusal(text: &'static str) -> String {
        body(text).unwrap_err().to_string()
    }

    #[test]
    fn each_named_string_is_an_address() {
        let text = r#"message M { option (cosmos.msg.v1.signer) = "b"; option (cosmos.msg.v1.signer) = "a"; string a = 1; string b = 2; }"#;
        let expected = "Ok(Vec::from([::cairn_kernel::Address::parse(&m.b)?, ::cairn_kernel::Address::parse(&m.a)?]))";
        assert_eq!(body(text).unwrap(), expected);
    }

    #[test]
    fn an_operator_has_its_own_prefix() {
        let text =
            r#"message M { option (cosmos.msg.v1.signer) = "v"; string v = 1 [(cosmos_proto.scalar) = "cosmos.ValidatorAddressString"]; }"#;
        assert_eq!(body(text).unwrap(), r#"Ok(Vec::from([::cairn_kernel::Address::parse_with("cairnvaloper", &m.v)?]))"#);
    }

    #[test]
    fn messages_inside_name_their_own_signers() {
        let text = r#"
            message M { option (cosmos.msg.v1.signer) = "all"; repeated I all = 1; }
            message I { option (cosmos.msg.v1.signer) = "one"; J one = 1; }
            message J { option (cosmos.msg.v1.signer) = "a"; string a = 1; }"#;
        let body = body(text).unwrap();
        assert!(
            body.contains("for m0 in &m.all { for m1 in &m0.one { signers.push(::cairn_kernel::Address::parse(&m1.a)?); } }"),
            "{body}"
        );
    }

    #[test]
    fn a_message_without_a_usable_signer_is_refused() {
        assert!(refusal(r#"message M { string a = 1; }"#).contains("t.M names no signer"));
        assert!(refusal(r#"message M { option (cosmos.msg.v1.signer) = "b"; string a = 1; }"#).contains("t.M has no field b"));
        assert!(refusal(r#"message M { option (cosmos.msg.v1.signer) = "a"; uint64 a = 1; }"#).contains("signer t.M.a is not an address"));
        let inner = r#"message M { option (cosmos.msg.v1.signer) = "i"; I i = 1; } message I { string a = 1; }"#;
        assert!(refusal(inner).contains("t.I is named as a signer but names none itself"));
    }
}
