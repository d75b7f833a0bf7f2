// Package peer is how the instances on one NATS ask each other (Ask, Answer) and what they
// publish to each other (Publish, Subscribe). Nothing of it is stored: a question has its
// asker's deadline, and what is published when nobody listens is lost.
//
// It knows no question and no topic; callers seal what identifies clients. Handlers
// (relay) ask, sync/control publishes and answers.
package peer
