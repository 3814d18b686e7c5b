package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// element is a field element, written as 64 hexadecimal digits.
type element struct{ big.Int }

func (e *element) UnmarshalJSON(encoded []byte) error {
	var text string
	if err := json.Unmarshal(encoded, &text); err != nil {
		return err
	}
	bytes, err := hex.DecodeString(text)
	if err != nil || len(bytes) != fr.Bytes {
		return fmt.Errorf("%q is no field element", text)
	}
	if e.SetBytes(bytes).Cmp(fr.Modulus()) >= 0 {
		return fmt.Errorf("%q is not below the modulus", text)
	}
	return nil
}

// job is what cairn-bench writes: a network, what goes into it, and what our own prover says about both.
type job struct {
	// Constant is whether weights are constants of the circuit; else they are committed to.
	Constant bool `json:"constant"`
	Inputs   int  `json:"inputs"`
	// Element is the number of bits of a field element into which slots are packed.
	Element     int       `json:"element_bits"`
	Layers      []layer   `json:"layers"`
	WeightsSalt element   `json:"weights_salt"`
	Context     []element `json:"context"`
	Runs        []run     `json:"runs"`
	// Statement is the one public input.
	Statement element  `json:"statement"`
	Poseidon  poseidon `json:"poseidon"`
}

type layer struct {
	Outputs int  `json:"outputs"`
	Shift   int  `json:"shift"`
	Relu    bool `json:"relu"`
	// Bits is the width of an accumulator, and so of a slot.
	Bits    int     `json:"bits"`
	Weights []int64 `json:"weights"`
	Biases  []int64 `json:"biases"`
}

type run struct {
	Values     []int64 `json:"values"`
	Salt       element `json:"salt"`
	AnswerSalt element `json:"answer_salt"`
	Class      int     `json:"class"`
}

func readJob(path string) (*job, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := new(job)
	if err := json.Unmarshal(text, read); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return read, read.check()
}

func (j *job) check() error {
	if len(j.Context) != 2 || len(j.Layers) == 0 || len(j.Runs) == 0 {
		return fmt.Errorf("a job has two elements of context, layers and runs")
	}
	inputs := j.Inputs
	for number, l := range j.Layers {
		if len(l.Weights) != l.Outputs*inputs || len(l.Biases) != l.Outputs || l.Bits < 2 || l.Bits > j.Element {
			return fmt.Errorf("the sizes of layer %d do not fit", number)
		}
		inputs = l.Outputs
	}
	for number, r := range j.Runs {
		if len(r.Values) != j.Inputs || r.Class < 0 || r.Class >= inputs {
			return fmt.Errorf("run %d is not of this network", number)
		}
	}
	return j.Poseidon.check()
}

// slots packs the weights of a layer: for each block of rows one element an input column, and one element of biases.
func (l *layer) slots(inputs, elementBits int) (weights [][]*big.Int, biases []*big.Int) {
	rows := elementBits / l.Bits
	for first := 0; first < l.Outputs; first += rows {
		last := min(first+rows, l.Outputs)
		block := make([]*big.Int, inputs)
		for column := range block {
			block[column] = inSlots(last-first, l.Bits, func(row int) int64 { return l.Weights[(first+row)*inputs+column] })
		}
		weights = append(weights, block)
		biases = append(biases, inSlots(last-first, l.Bits, func(row int) int64 { return l.Biases[first+row] }))
	}
	return weights, biases
}

func inSlots(rows, bits int, value func(int) int64) *big.Int {
	sum := new(big.Int)
	for row := rows - 1; row >= 0; row-- {
		sum.Lsh(sum, uint(bits)).Add(sum, big.NewInt(value(row)))
	}
	return sum
}
