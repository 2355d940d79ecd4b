package import ByteIO
extension GlobalName { package var verdict: GlobalVerdict { .inert } }
