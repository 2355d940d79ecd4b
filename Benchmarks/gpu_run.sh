#!/bin/sh
# What script/gpu-check puts into its bundle as `run`: checks, then measurements, as one JSON object.
#
#   run [--gib N]      a file of N GiB (default 8) is made below $TMPDIR and removed
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gib=8
[ "${1:-}" = --gib ] && gib=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ours() { LD_LIBRARY_PATH="$here/lib" "$here/bin/$@"; }

printf '{"checks": '
ours gpu-check check "$folder"
ours gpu-check make "$folder/model.pt" "$gib"
# The page cache is warm: the file was just written; reading it once more makes sure.
cat "$folder/model.pt" >/dev/null
printf ', "upload": '
ours gpu-check upload "$folder/model.pt" 5
printf ', "command": '
ours tensorio upload --verify --repeat 3 --json "$folder/model.pt"
if [ -z "${TENSORIO_CUDA_DRIVER:-}" ] && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  printf ', "peers": '
  python3 "$here/gpu_peers.py" "$folder/model.pt" 5
fi
echo '}'
