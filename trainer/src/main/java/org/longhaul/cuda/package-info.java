/** The GPU as a {@link org.longhaul.tensor.Backend}: memory, streams, graphs, and the operations with fused kernels. */
package org.longhaul.cuda;
