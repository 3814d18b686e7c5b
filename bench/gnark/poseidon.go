package main

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// Domains of hashes, as in cairn-verifier.
const (
	domainInput = iota + 1
	domainWeights
	domainOutput
	domainStatement
)

// poseidon is a permutation with S-boxes x^5: in the first and last half of the full rounds one a lane, else one.
type poseidon struct {
	Full   int         `json:"full_rounds"`
	Rounds [][]element `json:"rounds"`
	Mds    [][]element `json:"mds"`
}

func (p *poseidon) check() error {
	width := len(p.Mds)
	for _, row := range append(append([][]element{}, p.Rounds...), p.Mds...) {
		if len(row) != width || width < 2 {
			return fmt.Errorf("constants of Poseidon are rows of one width")
		}
	}
	if p.Full < 2 || len(p.Rounds) < p.Full {
		return fmt.Errorf("Poseidon has too few rounds")
	}
	return nil
}

// hash is the sponge of known length; its capacity begins as domain * 2^64 + count.
func (p *poseidon) hash(api frontend.API, domain int64, elements []frontend.Variable) frontend.Variable {
	capacity := new(big.Int).Lsh(big.NewInt(domain), 64)
	state := make([]frontend.Variable, len(p.Mds))
	for lane := range state {
		state[lane] = 0
	}
	state[0] = capacity.Add(capacity, big.NewInt(int64(len(elements))))
	rate := len(state) - 1
	for start := 0; start < len(elements); start += rate {
		for lane, taken := range elements[start:min(start+rate, len(elements))] {
			state[lane+1] = api.Add(state[lane+1], taken)
		}
		state = p.permute(api, state)
	}
	return state[1]
}

func (p *poseidon) permute(api frontend.API, state []frontend.Variable) []frontend.Variable {
	half := p.Full / 2
	for round, added := range p.Rounds {
		boxes := 1
		if round < half || round >= len(p.Rounds)-half {
			boxes = len(state)
		}
		out := make([]frontend.Variable, len(state))
		for lane := range state {
			out[lane] = api.Add(state[lane], &added[lane].Int)
			if lane < boxes {
				square := api.Mul(out[lane], out[lane])
				out[lane] = api.Mul(api.Mul(square, square), out[lane])
			}
		}
		state = p.mix(api, out)
	}
	return state
}

func (p *poseidon) mix(api frontend.API, state []frontend.Variable) []frontend.Variable {
	mixed := make([]frontend.Variable, len(state))
	for lane, row := range p.Mds {
		terms := make([]frontend.Variable, len(state))
		for other := range state {
			terms[other] = api.Mul(state[other], &row[other].Int)
		}
		mixed[lane] = sum(api, terms)
	}
	return mixed
}
