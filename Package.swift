// swift-tools-version: 6.2
import PackageDescription

// One row a format: its codec folder, and what the codec needs beside ByteIO and TensorModel.
// A new format is one row here, its folder under Sources/, and two lines in the registry.
let formats: [(name: String, needs: [Target.Dependency])] = [
  (name: "NumPyFormat", needs: ["ZIPContainer", "Pickle", "PickledValues"]),
  (
    name: "TorchFormat",
    needs: ["NumPyFormat", "ZIPContainer", "Pickle", "PickledValues", "JSONText"]
  ),
  (name: "SafetensorsFormat", needs: ["JSONText"]),
]

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let formatTargets = formats.flatMap { format -> [Target] in
  let tests = format.name + "Tests"
  return [
    .target(
      name: format.name, dependencies: ["ByteIO", "TensorModel"] + format.needs,
      swiftSettings: strict),
    .testTarget(
      name: tests,
      dependencies: [
        .byName(name: format.name), "ByteIO", "TensorModel", "TensorIO", "TestSupport",
      ]
        + format.needs,
      swiftSettings: strict),
  ]
}

let tests = [
  ("ByteIO", ["ByteIO"]), ("TensorModel", ["ByteIO", "TensorModel"]),
  ("ZIPContainer", ["ByteIO", "ZIPContainer"]), ("Pickle", ["ByteIO", "Pickle"]),
  ("TensorImage", ["ByteIO", "TensorIO", "TensorImage"]),
  ("TensorDevice", ["ByteIO", "TensorModel", "TensorDevice", "TensorIO", "TensorData", "CDLPack"]),
  ("TensorIO", ["ByteIO", "TensorIO"]),
  ("TensorVerify", ["ByteIO", "TensorIO", "TensorVerify", "ZIPContainer", "JSONText"]),
  ("TensorData", ["ByteIO", "TensorIO", "TensorData", "NumPyFormat"]),
  ("Command", ["TensorIO", "TensorVerify", "TensorData", "tensorio", "killed-writer"]),
  ("Oracle", ["TensorIO", "TensorVerify", "tensorio"]),
].map { (name: String, needs: [String]) in
  Target.testTarget(
    name: name + "Tests", dependencies: needs.map { .byName(name: $0) } + ["TestSupport"],
    swiftSettings: strict)
}

let package = Package(
  name: "tensorio",
  products: [
    .library(name: "TensorIO", targets: ["TensorIO"]),
    .library(name: "TensorVerify", targets: ["TensorVerify"]),
    .library(name: "TensorData", targets: ["TensorData"]),
    .library(name: "TensorImage", targets: ["TensorImage"]),
    .executable(name: "tensorio", targets: ["tensorio"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    // C: system libraries and our own kernels.
    .systemLibrary(name: "CLibzip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CLibdeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .target(name: "CTensorKernels"),
    .target(name: "CSystem"),
    .target(name: "CDLPack"),
    .target(name: "CCUDADriver", linkerSettings: [.linkedLibrary("dl")]),

    // Floor 0 to 1.
    .target(name: "ByteIO", dependencies: ["CSystem"], swiftSettings: strict),
    .target(name: "JSONText", dependencies: ["ByteIO"], swiftSettings: strict),
    .target(
      name: "ZIPContainer", dependencies: ["ByteIO", "CLibzip", "CZlib", "CLibdeflate"],
      swiftSettings: strict),
    .target(name: "Pickle", dependencies: ["ByteIO"], swiftSettings: strict),
    .target(
      name: "TensorModel", dependencies: ["ByteIO", "CTensorKernels"], swiftSettings: strict),
    .target(
      name: "PickledValues", dependencies: ["ByteIO", "Pickle", "TensorModel"],
      swiftSettings: strict),
  ] + formatTargets + [
    .target(
      name: "TensorDevice", dependencies: ["ByteIO", "TensorModel", "CCUDADriver", "CDLPack"],
      swiftSettings: strict),

    // Floor 3 and up.
    .target(
      name: "TensorIO",
      dependencies: [
        "ByteIO", "TensorModel", "TensorDevice", "Pickle", "ZIPContainer", "JSONText",
      ]
        + formats.map { .byName(name: $0.name) },
      swiftSettings: strict),
    .target(
      name: "TensorVerify",
      dependencies: [
        "ByteIO", "TensorModel", "TensorIO", "ZIPContainer", "JSONText", "NumPyFormat",
        "TorchFormat", .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: strict),
    .target(
      name: "TensorData",
      dependencies: ["ByteIO", "TensorModel", "TensorDevice", "TensorIO"],
      swiftSettings: strict),
    .target(
      name: "TensorImage",
      dependencies: ["ByteIO", "TensorModel", "TensorIO", "ZIPContainer"],
      swiftSettings: strict),
    .executableTarget(
      name: "tensorio",
      dependencies: [
        "ByteIO", "TensorIO", "TensorVerify", "TensorData", "TensorImage", "JSONText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Tests, one target a module; those of the formats come with the table above.
    .target(
      name: "TestSupport",
      dependencies: ["TensorIO", .product(name: "Crypto", package: "swift-crypto")],
      path: "Tests/TestSupport", swiftSettings: strict),
    .executableTarget(
      name: "killed-writer", dependencies: ["TensorIO"], path: "Tests/KilledWriter",
      swiftSettings: strict),
  ] + tests
)
