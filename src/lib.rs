//! `fabric-ccs-builder`: a Hyperledger Fabric external builder for chaincode as a service.
#![forbid(unsafe_code)]

pub mod pem;
