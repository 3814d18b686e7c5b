//! What the generator reads: our `.proto` files and the descriptor set of Cosmos SDK and ibc-go.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use prost_reflect::{
    DescriptorPool,
    prost::Message,
    prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet},
};
use protox::{
    Compiler,
    file::{ChainFileResolver, DescriptorSetFileResolver, IncludeFileResolver},
};

/// Packages of Cosmos that a node speaks itself; the others only serve as options in their descriptors.
const COSMOS: &[&str] = &[
    "cosmos.auth",
    "cosmos.authz",
    "cosmos.bank",
    "cosmos.base",
    "cosmos.consensus",
    "cosmos.crypto",
    "cosmos.distribution",
    "cosmos.evidence",
    "cosmos.feegrant",
    "cosmos.gov",
    "cosmos.ics23",
    "cosmos.mint",
    "cosmos.params",
    "cosmos.slashing",
    "cosmos.staking",
    "cosmos.tx",
    "cosmos.upgrade",
    "cosmos.vesting",
    "google.protobuf",
    "ibc.applications",
    "ibc.core",
    "ibc.lightclients.tendermint",
    "tendermint",
];

/// All descriptors, in the forms that the steps of the generator need.
pub(crate) struct Sources {
    /// Files to make Rust from, comments of ours included.
    pub(crate) generated: FileDescriptorSet,
    /// Everything, options included, as bytes of a `FileDescriptorSet`.
    pub(crate) descriptors: Vec<u8>,
    /// Everything, options included, to look things up.
    pub(crate) pool: DescriptorPool,
}

impl Sources {
    /// Compiles `cairn/**/*.proto` below `proto`; imports come from there and from `descriptors/cosmos.binpb`.
    pub(crate) fn read(proto: &Path) -> Result<Self> {
        let path = proto.join("descriptors/cosmos.binpb");
        let cosmos = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let mut resolver = ChainFileResolver::new();
        resolver.add(IncludeFileResolver::new(proto.to_owned()));
        resolver.add(DescriptorSetFileResolver::decode(cosmos.as_slice())?);
        let mut compiler = Compiler::with_file_resolver(resolver);
        compiler.include_source_info(true);
        for file in own_files(&proto.join("cairn"))? {
            compiler.open_file(&file).with_context(|| format!("compile {}", file.display()))?;
        }

        let published = FileDescriptorSet::decode(cosmos.as_slice())?.file.into_iter().filter(is_spoken);
        let mut file: Vec<_> = published.chain(compiler.file_descriptor_set().file).collect();
        file.iter_mut().flat_map(|f| &mut f.message_type).for_each(rename_oneofs);
        // Two encoded sets, one after the other, are the encoding of their union.
        let descriptors = [cosmos, compiler.encode_file_descriptor_set()].concat();
        let pool = DescriptorPool::decode(descriptors.as_slice())?;
        Ok(Self { generated: FileDescriptorSet { file }, descriptors, pool })
    }
}

fn is_spoken(file: &FileDescriptorProto) -> bool {
    COSMOS.iter().any(|name| file.package().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Renames each oneof that would get the Rust name of a message beside it (`StakeAuthorization.validators`). Neither bytes
/// nor JSON know the name of a oneof.
fn rename_oneofs(message: &mut DescriptorProto) {
    let types: Vec<String> = message.nested_type.iter().map(|m| m.name().to_lowercase()).collect();
    for oneof in &mut message.oneof_decl {
        if types.contains(&oneof.name().replace('_', "").to_lowercase()) {
            oneof.name = Some(format!("{}_choice", oneof.name()));
        }
    }
    message.nested_type.iter_mut().for_each(rename_oneofs);
}

/// The `.proto` files below `dir`, by name.
fn own_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut dirs) = (vec![], vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "proto") {
                files.push(path);
            }
        }
    }
    ensure!(!files.is_empty(), "no .proto file below {}", dir.display());
    files.sort();
    Ok(files)
}
