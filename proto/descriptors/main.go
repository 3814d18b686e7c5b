// Writes the wire contract of Cosmos SDK 0.50 and ibc-go v8, as one descriptor set, to the file named on the
// command line. The descriptors are those that the published Go types carry (versions: go.mod), so that no
// third-party .proto text is kept in this repository.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	// Services a node answers for itself.
	_ "cosmossdk.io/api/cosmos/app/v1alpha1"
	_ "cosmossdk.io/api/cosmos/autocli/v1"
	_ "cosmossdk.io/api/cosmos/reflection/v1"
	_ "github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	_ "github.com/cosmos/cosmos-sdk/client/grpc/node"
	_ "github.com/cosmos/cosmos-sdk/client/grpc/reflection"
	_ "github.com/cosmos/cosmos-sdk/server/grpc/reflection/v2alpha1"

	// Keys and transactions.
	_ "github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	_ "github.com/cosmos/cosmos-sdk/crypto/keys/multisig"
	_ "github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	_ "github.com/cosmos/cosmos-sdk/crypto/keys/secp256r1"
	_ "github.com/cosmos/cosmos-sdk/types/tx"

	// Modules of the SDK.
	_ "cosmossdk.io/x/evidence/types"
	_ "cosmossdk.io/x/feegrant"
	_ "cosmossdk.io/x/upgrade/types"
	_ "github.com/cosmos/cosmos-sdk/x/auth/types"
	_ "github.com/cosmos/cosmos-sdk/x/auth/vesting/types"
	_ "github.com/cosmos/cosmos-sdk/x/authz"
	_ "github.com/cosmos/cosmos-sdk/x/bank/types"
	_ "github.com/cosmos/cosmos-sdk/x/consensus/types"
	_ "github.com/cosmos/cosmos-sdk/x/distribution/types"
	_ "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	_ "github.com/cosmos/cosmos-sdk/x/gov/types/v1beta1"
	_ "github.com/cosmos/cosmos-sdk/x/mint/types"
	_ "github.com/cosmos/cosmos-sdk/x/params/types/proposal"
	_ "github.com/cosmos/cosmos-sdk/x/slashing/types"
	_ "github.com/cosmos/cosmos-sdk/x/staking/types"

	// ibc-go.
	_ "github.com/cosmos/ibc-go/v8/modules/apps/27-interchain-accounts/host/types"
	_ "github.com/cosmos/ibc-go/v8/modules/apps/transfer/types"
	_ "github.com/cosmos/ibc-go/v8/modules/core/types"
	_ "github.com/cosmos/ibc-go/v8/modules/light-clients/07-tendermint"

	gogoproto "github.com/cosmos/gogoproto/proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("expected one argument, the file to write, found %d", len(os.Args)-1))
	}
	encoded, files, err := descriptors()
	if err != nil {
		fail(err)
	}
	if err := os.WriteFile(os.Args[1], encoded, 0o644); err != nil {
		fail(err)
	}
	fmt.Printf("%s: %d files, %d bytes\n", os.Args[1], files, len(encoded))
}

// roots are the folders whose files are wanted; whatever they import comes along, the rest of the linked registries
// (tests, plug-ins, metrics) stays out.
var roots = []string{"amino/", "cosmos/", "cosmos_proto/", "gogoproto/", "google/api/annotations.proto", "ibc/", "tendermint/"}

// descriptors encodes the chosen files, the same bytes on every run: imports before importers, else by name; no comments.
func descriptors() ([]byte, int, error) {
	merged, err := gogoproto.MergedGlobalFileDescriptors()
	if err != nil {
		return nil, 0, fmt.Errorf("merge the registries: %w", err)
	}
	sort.Slice(merged.File, func(i, j int) bool { return merged.File[i].GetName() < merged.File[j].GetName() })
	byName := make(map[string]*descriptorpb.FileDescriptorProto, len(merged.File))
	for i, file := range merged.File {
		if file, err = served(file); err != nil {
			return nil, 0, err
		}
		merged.File[i] = file
		file.SourceCodeInfo = nil
		byName[file.GetName()] = file
	}
	chosen := collection{byName: byName, taken: map[string]bool{}}
	for _, file := range merged.File {
		for _, root := range roots {
			if strings.HasPrefix(file.GetName(), root) {
				if err := chosen.take(file.GetName()); err != nil {
					return nil, 0, err
				}
			}
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(&chosen.set)
	if err != nil {
		return nil, 0, fmt.Errorf("encode the set: %w", err)
	}
	return encoded, len(chosen.set.File), nil
}

// served gives a file as the SDK's own types carry it. The merge prefers those of cosmossdk.io/api, a separate module that
// was published ahead of SDK 0.50: it has MsgBurn of bank, which no 0.50 chain knows, and lacks DenomOwnersByQuery, which they serve.
func served(file *descriptorpb.FileDescriptorProto) (*descriptorpb.FileDescriptorProto, error) {
	compressed := gogoproto.FileDescriptor(file.GetName())
	if compressed == nil || strings.HasPrefix(file.GetName(), "google/protobuf/") {
		return file, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.GetName(), err)
	}
	raw, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.GetName(), err)
	}
	own := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(raw, own); err != nil {
		return nil, fmt.Errorf("%s: %w", file.GetName(), err)
	}
	return own, nil
}

// collection gathers files in an order in which every import precedes its importer.
type collection struct {
	byName map[string]*descriptorpb.FileDescriptorProto
	taken  map[string]bool
	set    descriptorpb.FileDescriptorSet
}

func (c *collection) take(name string) error {
	if c.taken[name] {
		return nil
	}
	c.taken[name] = true
	file, ok := c.byName[name]
	if !ok {
		return fmt.Errorf("%s is imported but not registered", name)
	}
	for _, dependency := range file.Dependency {
		if err := c.take(dependency); err != nil {
			return err
		}
	}
	c.set.File = append(c.set.File, file)
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "descriptors:", err)
	os.Exit(1)
}
