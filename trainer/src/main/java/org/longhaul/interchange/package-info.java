/** Model folders of other programs: Hugging Face Llama with safetensors, out and in. */
package org.longhaul.interchange;
