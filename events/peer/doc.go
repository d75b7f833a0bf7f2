// Package peer lets the instances on one NATS ask each other (Ask, Answer) and publish to
// each other (Publish, Subscribe). It stores nothing: a question ends at its asker's deadline,
// and an event that nobody receives is lost.
//
// It knows no questions and no topics; callers seal what identifies clients. handlers/relay
// asks; sync/control publishes and answers.
package peer
