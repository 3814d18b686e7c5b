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
            return Ok("Ok(vec![])".to_owned());
        }
        ensure!(!fields.is_empty(), "{} names no signer: add option (cosmos.msg.v1.signer)", message.full_name());
        if let Some(addresses) = fields.iter().map(|f| self.address(f, "m")).collect::<Option<Vec<_>>>() {
            return Ok(format!("Ok(vec![{}])", addresses.join(", ")));
        }
        Ok(format!("{{ let mut signers = vec![]; {} Ok(signers) }}", self.pushes(message, "m", 0)?))
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
